"""Figures for papers, by name: one file a figure, theory and simulation on the same axes.

A figure is a module of a folder ``<author_year>`` with

``TITLE``
    one line: what it shows.
``CAPTION``
    what its panels are and what to take away, with ``{names}`` of parameters.
``QUICK``, ``FULL``
    frozen dataclasses of its parameters, seed included.
``compute(parameters)``
    everything that is solved and simulated.
``draw(data, width)``
    the matplotlib figure.
``checks(data)``
    the numbers that it must hit, each with its bounds.

They show what the papers are about; none claims to be a numbered figure of a paper.
"""
