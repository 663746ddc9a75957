"""Segment Anything: prompts to masks with the weights vit_b, vit_l and vit_h."""
