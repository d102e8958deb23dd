/**
 * Association of two variables, two sets of components or two findings, and the share of each member of a set.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.statistics.association.Correlation} (two variables),
 * {@link dev.hyaline.analysis.statistics.association.Hsic} (their dependence of any form),
 * {@link dev.hyaline.analysis.statistics.association.Similarity} (two findings),
 * {@link dev.hyaline.analysis.statistics.association.Stability} (sets under resampling),
 * {@link dev.hyaline.analysis.statistics.association.Shapley} (the members of a set).
 */
package dev.hyaline.analysis.statistics.association;
