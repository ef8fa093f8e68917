"""How it is trained: the recipe, the loop, the steps, checkpoints, the journal and the tracker."""
