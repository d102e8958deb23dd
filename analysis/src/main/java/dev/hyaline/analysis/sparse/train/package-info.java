/**
 * Training of sparse autoencoders, transcoders and crosscoders, with the losses of SAELens, dictionary_learning,
 * sparsify and OpenAI's sparse_autoencoder. Start with {@link dev.hyaline.analysis.sparse.train.SaeTrainer} and
 * {@link dev.hyaline.analysis.sparse.train.Recipe}.
 */
package dev.hyaline.analysis.sparse.train;
