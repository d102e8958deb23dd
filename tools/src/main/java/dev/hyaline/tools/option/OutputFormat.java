package dev.hyaline.tools.option;

import dev.hyaline.instrument.dump.DumpFormat;
import java.util.Locale;

/** A form that {@code hyaline dump} writes. */
public enum OutputFormat {
    SAFETENSORS,
    NPZ,
    /** A folder as the {@code datasets} library saves it, of packed windows. */
    DATASETS,
    /** The latents that fire in an autoencoder, as the cache of delphi has them, of packed windows. */
    DELPHI;

    /** The format of one file. */
    public DumpFormat ofOneFile() {
        return this == NPZ ? DumpFormat.NPZ : DumpFormat.SAFETENSORS;
    }

    /** Its name in lower case. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
