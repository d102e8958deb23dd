/**
 * Sparse autoencoders, transcoders and crosscoders: their inference. Read
 * {@link dev.hyaline.analysis.sparse.SparseAutoencoder} first. Files, training, metrics, splicing into a pass and pages
 * of latents are packages of their own below this one.
 */
package dev.hyaline.analysis.sparse;
