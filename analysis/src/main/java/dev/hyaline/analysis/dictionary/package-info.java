/**
 * Classic sparse coding and dictionary learning, with the objective and the names of scikit-learn: {@code .5 ||x - c
 * D||^2 + alpha ||c||_1}, the rows of {@code D} being the atoms. Start with
 * {@link dev.hyaline.analysis.dictionary.SparseCoder}, {@link dev.hyaline.analysis.dictionary.DictionaryLearning} and
 * {@link dev.hyaline.analysis.dictionary.MiniBatchDictionaryLearning}.
 */
@NullMarked
package dev.hyaline.analysis.dictionary;

import org.jspecify.annotations.NullMarked;
