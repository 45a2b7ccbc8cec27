"""Bytes that autograd keeps, counted on shapes."""

import torch
from torch import nn
from training_memory import GraphBytes


def test_what_is_kept_for_the_backward_pass_is_counted_once():
    with torch.device('meta'):
        network = nn.Sequential(nn.Linear(4, 8, bias=False), nn.Sigmoid())
        images = torch.empty(16, 4)
        graph = GraphBytes(network)
        with graph:
            maps = network(images)
            # Of the maps, which the sigmoid has kept already.
            loss = maps.square().sum() + maps.exp().sum()
    assert loss.requires_grad
    # Float32: images for the weights, maps for sigmoid and square, what exp gave.
    assert graph.total == 4 * (16 * 4 + 16 * 8 + 16 * 8)


def test_nothing_is_kept_without_gradients():
    network = nn.Linear(4, 8)
    graph = GraphBytes(network)
    with graph, torch.no_grad():
        network(torch.ones(2, 4))
    assert graph.total == 0
