/**
 * Files of autoencoders: those of SAELens, dictionary_learning, sparsify, OpenAI and Gemma Scope read, those of SAELens
 * written. Start with {@link dev.hyaline.analysis.sparse.file.SaeFiles}.
 */
package dev.hyaline.analysis.sparse.file;
