"""The suite; its folders mirror the code."""
