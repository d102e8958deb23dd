package dev.hyaline.analysis.sparse.file;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.files.RecordText;
import java.util.List;

/**
 * An autoencoder as it was read.
 *
 * @param notes what was understood that the files do not say outright, in sentences
 * @param logDensities {@code log10(firing frequency + 1e-10)} of each latent; empty if no file says it
 */
public record SaeFile(SparseAutoencoder autoencoder, SaeFormat format, List<String> notes, float[] logDensities) {
    public SaeFile {
        notes = List.copyOf(notes);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
