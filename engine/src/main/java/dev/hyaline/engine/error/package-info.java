/**
 * What Hyaline throws. {@link dev.hyaline.engine.error.HyalineException} is the root; under it is what a caller can act
 * on, beginning with {@link dev.hyaline.engine.error.BadInputException}.
 */
package dev.hyaline.engine.error;
