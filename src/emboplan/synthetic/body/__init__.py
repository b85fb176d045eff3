"""The anatomy: torso, organs, vessels, skeleton, tissues."""
