/** Activations as the {@code datasets} library saves them: read {@link dev.hyaline.datasets.DatasetsFolder}. */
@NullMarked
package dev.hyaline.datasets;

import org.jspecify.annotations.NullMarked;
