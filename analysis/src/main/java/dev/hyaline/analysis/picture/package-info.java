/**
 * Drawings as SVG and PNG. {@link dev.hyaline.analysis.picture.Picture} is one that draws itself on a
 * {@link dev.hyaline.analysis.picture.Canvas}; a picture of your own needs its size and its strokes only.
 */
package dev.hyaline.analysis.picture;
