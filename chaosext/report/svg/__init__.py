"""Plots, diagrams and waterfalls as SVG that fits its container, and the markup that they are made of.

This package knows nothing of verification and imports nothing else of chaosext: whoever has a series of
numbers can use it. Colours are classes and CSS custom properties of the page, so one SVG is right in light,
dark and print; style.STYLE is the part of a page's CSS that the SVGs need.
"""
