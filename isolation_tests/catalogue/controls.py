"""Controls of public frameworks, grouped by the kind of anomaly that is evidence for them."""

from __future__ import annotations

TENANT = (
    "OWASP ASVS 5.0 8.4.1",
    "NIST 800-53 r5 SC-4",
    "CSA CCM v4 IVS-06",
    "CSA AICM I&S-06",
    "ISO/IEC 27001:2022 Annex A 5.23",
    "PCI DSS 4.0.1 A1.1.x",
)
ACCESS = (
    *TENANT,
    "NIST 800-53 r5 AC-3",
    "HIPAA 164.312(a)(1)",
    "SOC 2 CC6.1",
    "ISO/IEC 27001:2022 Annex A 8.3",
    "GDPR 32(1)(b)",
    "GDPR 5(1)(f)",
)
LEAK = (
    *ACCESS,
    "NIST 800-53 r5 AC-4",
    "OWASP LLM 2025 LLM02",
    "ISO/IEC 27001:2022 Annex A 8.12",
    "SOC 2 C1.1",
)
RETRIEVAL = (*LEAK, "OWASP LLM 2025 LLM08")


NAME = (*LEAK, "NIST 800-53 r5 SI-10")


OBJECT = (*ACCESS, "OWASP ASVS 5.0 8.2.2", "OWASP API Security 2023 API1")


INTEGRITY = (*ACCESS, "HIPAA 164.312(c)(1)", "OWASP Agentic 2026 ASI06")


ERASURE = (
    "NIST 800-53 r5 SI-12(3)",
    "ISO/IEC 27001:2022 Annex A 8.10",
    "SOC 2 C1.2",
    "SOC 2 P4.3",
    "GDPR 17",
)
THREADS = (*LEAK, "OWASP ASVS 5.0 15.4.1")


CACHE = (*RETRIEVAL, "OWASP ASVS 5.0 14.2.2")
