"""What is written: related names, people and their facts, and canaries that say whose a fact is."""
