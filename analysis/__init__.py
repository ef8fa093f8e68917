"""What is learnt from a run: evaluation and plots."""
