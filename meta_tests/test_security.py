"""Every promise of SECURITY.md has tests that fail without it, so that promises and tests can't drift apart.

Who adds a promise adds its tests here, and sees them fail while the code breaks it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SECTIONS = ("What a run does to a target", "What a certificate can prove")
CERTIFICATES = "reporting/certificates"
KILLED = "engine/test_killed.py"
METER = "execution/test_meter.py"
RETRIES = "adapters/support/test_retries.py"

HELD_BY: dict[str, tuple[str, ...]] = {
    "They have names like `iso-<run>-<number>`": (
        "execution/test_binding.py::test_names_carry_the_run_are_fresh_and_of_one_length",
    ),
    "some have a number instead": (
        "execution/test_binding.py::test_numbers_begin_with_nine_digits_that_only_this_worker_of_the_run_has",
    ),
    "The fixture `isolation` keeps these rules": (
        "plugin/test_own_tests.py::test_a_store_that_keeps_users_apart_passes_and_is_left_empty",
        "plugin/test_own_tests.py::test_what_can_not_be_deleted_is_told_and_tried_again_by_the_next_test",
    ),
    "each plan deletes their memories": ("execution/test_runner.py::test_cleans_up_after_every_plan",),
    "(None, `*`, an empty text) only read": (
        "execution/test_guard.py::test_hostile_writes_need_a_disposable_target",
        "execution/test_guard.py::test_every_shipped_relation_is_blocked_exactly_where_it_is_hostile",
    ),
    "so do odd forms of ids": (
        "execution/test_guard.py::test_an_id_that_nobody_was_given_changes_nothing_in_a_strangers_store",
        "execution/test_guard.py::test_an_id_form_that_may_be_a_strangers_needs_a_disposable_target",
    ),
    "use ids that the system gave the run": (
        "execution/test_guard.py::test_no_write_goes_by_an_id_that_the_run_was_not_given",
        "execution/test_guard.py::test_no_read_goes_by_an_id_that_may_be_a_strangers",
    ),
    "Where ids are shorter numbers, no such call is made": (
        "execution/test_guard.py::test_an_id_of_nobodys_is_tried_where_it_is_surely_nobodys",
    ),
    "the last part is drawn at random": (
        "execution/test_binding.py::test_an_absent_id_has_the_shape_of_a_real_one",
    ),
    "has a number of this run": (
        "execution/test_binding.py::test_two_users_of_a_plan_share_a_key_that_nobody_else_has",
        "execution/test_binding.py::test_no_plan_of_the_suite_has_a_key_of_others",
        "execution/test_guard.py::test_no_argument_of_a_write_could_be_somebody_elses",
    ),
    "no write's metadata names anybody else": (
        "execution/test_guard.py::test_no_metadata_names_a_user_whom_others_may_share",
    ),
    "does not even read and is nobody's victim": (
        "engine/test_strangers.py::test_no_call_bears_a_name_that_somebody_may_have",
        "execution/test_guard.py::test_no_read_passes_the_gate_under_a_name_that_somebody_may_have",
        "execution/test_guard.py::test_a_plan_from_a_file_names_nobody_who_may_be_real",
        "execution/test_guard.py::test_no_intrusion_passes_the_gate_whose_victim_may_be_real",
    ),
    "nothing calls `maintain`": (
        "execution/test_guard.py::test_nothing_works_on_the_whole_store_whoever_asks_for_it",
    ),
    "all of them read, write and delete": (
        "engine/test_strangers.py::test_a_disposable_store_gets_them_all",
    ),
    "Nothing else makes a target disposable": (
        "targets/test_disposable.py::test_where_an_adapter_lies_makes_no_target_disposable",
        "targets/test_disposable.py::test_a_file_says_so_with_a_boolean",
        "targets/test_disposable.py::test_no_run_inherits_it",
    ),
    "wins over the command line": (
        "targets/test_disposable.py::test_a_file_that_says_no_wins_over_the_command_line",
    ),
    "a gate stops every write and delete": (
        "execution/test_guard.py::test_no_write_passes_the_gate_under_a_name_that_was_not_leased",
        "execution/test_guard.py::test_what_passes_a_plan_by_is_stopped_at_the_gate",
    ),
    "The first delete on such a target": (
        "engine/test_strangers.py::test_the_first_delete_that_takes_too_much_is_the_last",
        "engine/test_strangers.py::test_after_it_the_gate_is_shut",
    ),
    "refuses every command but": (
        "engine/test_probe.py::test_no_other_command_opens_it",
        "engine/test_probe.py::test_no_command_line_makes_it_disposable",
    ),
    "yields no evidence and no level": (
        "engine/test_probe.py::test_a_clean_probe_writes_nothing_and_yields_no_level",
    ),
    "any other target must be on the command line": (
        "engine/test_trust.py::test_a_file_starts_no_code_of_its_own_choice",
        "engine/test_trust.py::test_a_file_sets_no_option",
        "engine/test_trust.py::test_a_file_has_no_other_settings",
    ),
    "strength files are only read": (
        "reporting/test_untrusted_files.py::test_evidence_with_changed_records",
        "reporting/test_untrusted_files.py::test_a_replay_file_that_was_changed",
        "reporting/test_untrusted_files.py::test_strength_and_history_that_were_changed",
    ),
    "stand in its journal before their first use": (
        "execution/test_journal.py::test_a_name_is_on_disk_before_the_first_call_with_it",
    ),
    "nothing is written to the target": (
        "execution/test_journal.py::test_without_a_journal_nothing_is_written_to_the_target",
        "execution/test_journal.py::test_a_folder_that_cannot_be_written_is_one_clear_error",
    ),
    "it survives a loss of power too": (
        "execution/test_journal.py::test_a_lease_survives_a_loss_of_power_with_the_folders_that_lead_to_it",
        "engine/test_campaign.py::test_each_process_makes_sure_of_its_leases_unless_the_store_may_be_lost",
    ),
    "Ctrl-C and SIGTERM stop a run in order": (
        "plugin/test_stopping.py::test_a_run_that_is_stopped_leaves_no_user_behind",
    ),
    "After SIGKILL": (
        f"{KILLED}::test_after_a_kill_the_watchdog_leaves_nothing_and_touches_no_stranger",
        f"{KILLED}::test_a_replay_that_is_killed_leaves_nothing",
        f"{KILLED}::test_a_calibration_that_is_killed_leaves_nothing",
    ),
    "has removed what others stored, it deletes nothing": (
        "execution/test_journal.py::test_that_a_delete_did_harm_is_known_to_whoever_cleans_up_later",
        f"{KILLED}::test_after_a_delete_that_took_too_much_no_process_deletes_by_itself",
    ),
    "the next run on that target says so first": (
        f"{KILLED}::test_what_the_watchdog_could_not_clean_is_told_by_the_next_run_and_cleaned_by_command",
    ),
    "is tried again, and what stays is listed by name": (
        "execution/test_journal.py::test_a_delete_that_fails_is_tried_again_and_then_listed",
        f"{KILLED}::test_what_cannot_be_cleaned_is_listed_by_name_and_stays_in_the_journal",
        "plugin/test_plugin.py::test_a_run_that_held_is_not_green_while_users_are_left",
    ),
    "Nothing but a leased name": (
        "engine/test_cleaning.py::test_only_names_that_begin_with_the_whole_id_and_a_users_digits_are_the_runs",
        "execution/test_journal.py::test_no_name_of_anybody_else_is_deleted",
        f"{KILLED}::test_a_lost_journal_is_no_loss_where_the_target_lists_its_users",
        f"{KILLED}::test_nothing_vague_cleans_anything",
    ),
    "benchmarks/killed_runs.py": (
        f"{KILLED}::test_after_a_kill_the_watchdog_leaves_nothing_and_touches_no_stranger",
    ),
    "No text that the run did not write is kept": (
        "execution/test_recorder.py::test_a_strangers_text_is_in_no_history",
        "execution/test_recorder.py::test_of_a_row_that_is_the_runs_own_in_part_the_rest_is_withheld",
        "plugin/test_secrets.py::test_no_planted_secret_and_no_strangers_word_is_in_any_byte",
    ),
    "where the adapter raised it": (
        "execution/test_recorder.py::test_an_error_is_told_by_its_class_and_where_the_adapter_raised_it",
    ),
    "`error_texts = true`": (
        "judges/test_shown_strangers.py::test_only_a_file_that_says_so_has_its_error_texts_kept",
    ),
    "a run ends after the plan": (
        "judges/test_shown_strangers.py::test_a_run_ends_at_the_first_stranger",
        "judges/test_shown_strangers.py::test_a_run_goes_on_if_it_is_told_to",
        "engine/lasting/test_witnesses.py::test_a_stranger_whom_only_witnesses_meet_ends_the_run",
    ),
    "are masked at any depth": ("core/test_masking.py::test_options_are_masked_at_any_depth",),
    "the values of environment variables": (
        "core/test_masking.py::test_values_of_the_variables_that_a_target_names_are_masked",
    ),
    "the forms of well-known keys": ("core/test_masking.py::test_a_secret_is_masked_in_a_text",),
    "in the terminal and in every file": (
        "reporting/test_evidence.py::test_no_secret_reaches_a_file_or_a_report",
        "reporting/test_evidence.py::test_a_replay_file_has_no_secret_option",
        "engine/test_campaign.py::test_the_journal_has_no_secret_option",
        "plugin/test_lost.py::test_secrets_are_masked_in_what_is_written_early",
        "plugin/test_plugin.py::test_what_a_target_prints_is_shown_without_secrets_and_without_steering",
    ),
    "is told without its text": (
        "execution/test_session.py::test_a_target_that_fails_to_close_between_plans_is_told_without_its_words",
        "engine/test_probe.py::test_a_system_that_fails_to_close_is_told_without_its_words",
        "engine/test_cleaning.py::test_a_target_that_can_not_list_its_users_is_told_without_its_words",
        "plugin/test_plugin.py::test_a_failing_close_is_told",
    ),
    "The secret behind the canaries": (
        "engine/test_campaign.py::test_the_secret_behind_the_canaries_is_in_no_file_and_on_no_screen",
    ),
    "A dry run says what it would send": (
        "engine/test_rehearsal.py::test_it_agrees_exactly_with_what_a_run_sends",
    ),
    "A budget limits requests": (
        f"{METER}::test_no_budget_of_requests_is_passed_by_one_and_everything_written_is_deleted",
        f"{METER}::test_requests_that_an_adapter_sends_within_a_call_count",
        f"{METER}::test_the_rate_is_limited_over_all_meters",
        f"{METER}::test_calls_at_once_are_limited",
        f"{METER}::test_seconds_are_limited",
        f"{METER}::test_bytes_are_limited",
    ),
    "no process of the run passes it by one request": (
        f"{METER}::test_a_budget_is_shared_by_processes",
        f"{METER}::test_deletes_that_cost_more_than_was_set_aside_do_not_pass_the_budget",
        "plugin/test_limits.py::test_a_budget_of_500_requests_is_never_passed_by_one",
    ),
    "has a budget by default": (
        "targets/test_budget.py::test_a_target_on_another_machine_has_limits_by_default",
    ),
    "It obeys 429 and `Retry-After`": (
        f"{RETRIES}::test_a_call_waits_as_long_as_it_is_asked_to_and_a_little_longer",
        f"{RETRIES}::test_a_pause_that_is_longer_than_a_run_waits_holds_the_whole_run",
        f"{METER}::test_a_pause_that_the_target_asks_for_is_made_by_all",
    ),
    "50 requests if the target is down": (
        f"{METER}::test_a_target_that_is_down_costs_few_requests_and_seconds",
    ),
    "No literal of your code": ("engine/search/test_drawing.py::test_no_literal_of_a_users_module_is_drawn",),
    "limit their size before they parse them": (
        "adapters/test_untrusted_answers.py::test_packed_answers",
        "adapters/test_mcp_adapter.py::test_a_message_beyond_the_bounds_is_not_kept",
        "adapters/test_mcp_adapter.py::test_an_http_answer_beyond_the_bounds_is_not_kept",
        "adapters/process/test_bridge.py::test_a_line_without_an_end_is_cut_off",
    ),
    "and the pages of a list": ("adapters/http/test_pages.py::test_pages_that_never_end_are_told",),
    "An answer beyond is an error of the adapter": (
        "adapters/test_reliability.py::test_trouble_is_neither_a_violation_nor_a_pass",
    ),
    "A finding is on disk as soon as it shows": (
        "engine/test_campaign.py::test_a_finding_is_on_disk_before_it_is_replayed",
        "plugin/test_lost.py::test_a_run_that_is_killed_after_a_leak_still_has_it",
    ),
    "refuses it and names what it had seen": (
        "plugin/test_lost.py::test_no_command_takes_an_earlier_run_for_one_that_was_killed",
        "plugin/test_lost.py::test_the_message_names_what_the_records_and_sightings_show",
    ),
    "A disk without room": ("plugin/test_lost.py::test_a_full_disk_is_one_clear_error_and_hides_no_leak",),
    "The signature shows who vouches for a run": (
        f"{CERTIFICATES}/test_tampering.py::test_another_key_is_refused",
        f"{CERTIFICATES}/test_tampering.py::test_each_tampering_is_refused_by_its_name",
    ),
    "judging again shows that the verdicts follow": (
        f"{CERTIFICATES}/test_tampering.py::test_a_forger_with_the_right_key_and_fitting_digests_is_caught",
    ),
    "a page that somebody changed is never certified": (
        f"{CERTIFICATES}/test_commands.py::test_a_page_that_somebody_changed_is_written_again",
    ),
    "is refused by name, whoever signed it": (
        f"{CERTIFICATES}/test_tampering.py::test_the_right_key_does_not_make_another_statement_true",
        f"{CERTIFICATES}/test_edits.py::test_no_changed_statement_verifies_whoever_signed_it",
        f"{CERTIFICATES}/test_edits.py::test_no_changed_record_verifies_beside_the_certificate",
        f"{CERTIFICATES}/test_edits.py::test_no_changed_record_is_certified_as_better_by_the_right_key",
    ),
    "two readers of JSON": (
        f"{CERTIFICATES}/test_edits.py::test_a_value_that_readers_take_for_another_is_refused",
    ),
    "that only its owner can read, and never replaces one": (
        f"{CERTIFICATES}/test_keys.py::test_a_private_key_is_its_owner_s_and_is_never_replaced",
    ),
    "Use a passphrase": (f"{CERTIFICATES}/test_keys.py::test_an_encrypted_key_asks_for_its_passphrase",),
    "The key never becomes part": (
        f"{CERTIFICATES}/test_commands.py::test_the_private_key_becomes_part_of_nothing",
    ),
    "limits on lines, total size and nesting": (
        f"{CERTIFICATES}/test_unbelievable.py::test_a_packed_bomb_is_refused_early",
        f"{CERTIFICATES}/test_unbelievable.py::test_more_lines_than_any_run_writes_are_refused",
        f"{CERTIFICATES}/test_unbelievable.py::test_deep_nesting_is_one_sentence",
    ),
    "Evidence from a newer version is refused": (
        f"{CERTIFICATES}/test_unbelievable.py::test_evidence_of_a_newer_suite_says_to_upgrade",
    ),
    "has a limit of size before it is read": (
        "core/test_bounded.py::test_a_large_file_is_not_read",
        "reporting/test_untrusted_files.py::test_a_large_file_is_not_read_whoever_reads_it",
        f"{CERTIFICATES}/test_unbelievable.py::test_a_large_certificate_or_key_is_not_read",
        "core/test_bounded.py::test_the_deepest_that_is_read_is_read",
        "targets/test_untrusted_toml.py::test_the_bounds_of_a_file",
    ),
    "must be a regular file": (
        "core/test_bounded.py::test_what_is_no_file_is_refused_at_once",
        "reporting/test_untrusted_files.py::test_a_pipe_is_no_file",
    ),
    "Tests draw changed and damaged samples": (
        "reporting/test_untrusted_files.py::test_evidence_with_damaged_bytes",
        "targets/test_untrusted_toml.py::test_damaged_bytes",
        "engine/test_untrusted_replay.py::test_a_plan_of_anybody",
        "adapters/test_untrusted_answers.py::test_answers_of_a_service",
        "adapters/test_untrusted_answers.py::test_answers_of_an_mcp_server",
        "adapters/test_untrusted_answers.py::test_lines_of_a_bridge",
    ),
}


def promises() -> list[str]:
    """The bullets of the sections that promise something, each in one line."""
    text = (FOLDER.parent / "SECURITY.md").read_text(encoding="utf-8")
    parts = [text.split(f"\n## {section}\n")[1].split("\n## ")[0] for section in SECTIONS]
    return [" ".join(bullet.split()) for part in parts for bullet in re.split("\n- ", part)[1:]]


@pytest.mark.parametrize("phrase", HELD_BY)
def test_what_tests_hold_is_promised(phrase: str) -> None:
    assert sum(phrase in promise for promise in promises()) == 1, "SECURITY.md no longer says that, or twice"


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise[:40])
def test_each_promise_is_held_by_tests(promise: str) -> None:
    assert any(phrase in promise for phrase in HELD_BY), "add the tests that fail without it"


def test_the_tests_that_hold_promises_exist() -> None:
    for test in {test for tests in HELD_BY.values() for test in tests}:
        file, name = test.split("::")
        assert f"def {name}(" in (FOLDER / file).read_text(encoding="utf-8"), test
