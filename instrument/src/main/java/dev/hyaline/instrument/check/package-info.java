/**
 * Looks for what is wrong with a model: weights that are not finite ({@link dev.hyaline.instrument.check.WeightCheck}),
 * values that are not ({@link dev.hyaline.instrument.check.FiniteCheck}), and runs that give other values
 * ({@link dev.hyaline.instrument.check.RepeatCheck}). Each names the first place.
 */
package dev.hyaline.instrument.check;
