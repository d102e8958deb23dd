/**
 * ModelTraining of small models from tokens: {@link dev.hyaline.instrument.training.ModelTraining} with its
 * {@link dev.hyaline.instrument.training.TrainingOptions}.
 */
package dev.hyaline.instrument.training;
