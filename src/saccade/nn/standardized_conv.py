"""A convolution whose filters are divided by their standard deviation, in every forward pass anew.

As weight standardisation (Qiao et al. 2019, arXiv 1903.10520, equation 7), but no mean is taken off.
"""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

EPS = 1e-12
"""Added to the variance of a filter, so that one without any is divided by 1e-6 and not by 0."""


class StandardizedConv2d(nn.Conv2d):
    """Convolves with W[c] / n_c instead of W[c]; the gradient reaches W through n_c, too.

    n_c = sqrt(std(W[c])^2 + 1e-12) for each of the C output channels, where std(W[c])^2 is the mean of the squared
    distances from the mean, over the N = in_channels / groups * height * width weights of the filter: divided by N and
    not by N - 1, so that it is defined for N = 1, too. The bias is added as it is. Parameters are those of nn.Conv2d.
    """

    @classmethod
    def of(cls, conv: nn.Conv2d) -> Self:
        """One with the parameters of ``conv``, which are shared and not copied."""
        made = cls(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]  # torch's own type of what it keeps is wider
            stride=conv.stride,  # type: ignore[arg-type]
            padding=conv.padding,  # type: ignore[arg-type]
            dilation=conv.dilation,  # type: ignore[arg-type]
            groups=conv.groups,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
            device="meta",  # nothing is drawn: the weights are there
        )
        made.weight, made.bias = conv.weight, conv.bias
        return made.train(conv.training)

    def divisors(self) -> Tensor:
        """(C,) n of each filter."""
        variances: Tensor = self.weight.var(dim=(1, 2, 3), correction=0)
        divisors: Tensor = (variances + EPS).sqrt()
        return divisors

    def standardized(self) -> Tensor:
        """(C, in_channels / groups, height, width) what it convolves with."""
        standardized: Tensor = self.weight / self.divisors()[:, None, None, None]
        return standardized

    def forward(self, input: Tensor) -> Tensor:  # nn.Conv2d calls it so
        """(B, in_channels, H, W) to (B, C, H', W')."""
        out: Tensor = self._conv_forward(input, self.standardized(), self.bias)
        return out
