/** {@link dev.hyaline.engine.tensor.Tensor}, through which results of every kind are read. */
package dev.hyaline.engine.tensor;
