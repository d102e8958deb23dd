/**
 * Linear probes of activations, what they are worth, and whether the model uses what they read.
 *
 * <p>A probe that tells classes apart shows that the activations say something, not that the model listens. So a probe
 * stands beside its {@link dev.hyaline.analysis.probe.ControlTask}, is judged on rows of names or templates that it has
 * not seen, and its direction is tested by intervention.
 *
 * <p>Reading order: {@link dev.hyaline.analysis.probe.LabelledRows}, {@link dev.hyaline.analysis.probe.ProbeMethod},
 * {@link dev.hyaline.analysis.probe.Folds}, {@link dev.hyaline.analysis.probe.HeldOut},
 * {@link dev.hyaline.analysis.probe.ControlTask}; to take a concept away {@link dev.hyaline.analysis.probe.Leace} and
 * {@link dev.hyaline.analysis.probe.Inlp}; of a model's layers and positions
 * {@link dev.hyaline.analysis.probe.ProbeStudy}, {@link dev.hyaline.analysis.probe.DirectionTests} (judged by
 * {@link dev.hyaline.analysis.probe.RandomDirections}) and {@link dev.hyaline.analysis.probe.ErasedStudy}; of subspaces
 * whose values can be exchanged between prompts {@link dev.hyaline.analysis.probe.InterchangeSubspace},
 * {@link dev.hyaline.analysis.probe.Interchanges}, {@link dev.hyaline.analysis.probe.AlignmentSearch} and
 * {@link dev.hyaline.analysis.probe.AlignmentStudy}.
 */
package dev.hyaline.analysis.probe;
