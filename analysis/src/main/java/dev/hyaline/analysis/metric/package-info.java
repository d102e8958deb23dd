/**
 * Numbers that say how well a run does a task.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.metric.Metric}, {@link dev.hyaline.analysis.metric.Reading} (what a
 * metric's function is given), {@link dev.hyaline.analysis.metric.Logits}.
 */
package dev.hyaline.analysis.metric;
