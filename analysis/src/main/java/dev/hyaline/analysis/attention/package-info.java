/**
 * Attention heads by where they look.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.attention.AttentionTarget} and
 * {@link dev.hyaline.analysis.attention.HeadType} (the keys that a kind of head looks at),
 * {@link dev.hyaline.analysis.attention.HeadScores} (the share of attention on them),
 * {@link dev.hyaline.analysis.attention.HeadClass} (the kind of each head),
 * {@link dev.hyaline.analysis.attention.HeadPattern} (the pattern that it keeps to on prompts of several kinds),
 * {@link dev.hyaline.analysis.attention.AttentionStatistics} (entropy, largest weight, distance).
 */
package dev.hyaline.analysis.attention;
