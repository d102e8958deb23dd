/**
 * Two samples compared: their means, ranks and distributions, and how well one value tells them apart.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.statistics.compare.MeanDifference},
 * {@link dev.hyaline.analysis.statistics.compare.PermutationTest},
 * {@link dev.hyaline.analysis.statistics.compare.MannWhitney},
 * {@link dev.hyaline.analysis.statistics.compare.KolmogorovSmirnov},
 * {@link dev.hyaline.analysis.statistics.compare.Auroc}.
 */
package dev.hyaline.analysis.statistics.compare;
