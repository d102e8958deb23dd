package dev.hyaline.instrument.internal;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileErrors;
import java.io.IOException;

/** Errors of the files of a dump: each is a {@link FileException}. */
public enum DumpErrors implements FileErrors {
    INSTANCE;

    @Override
    public FileException file(String file, String expected, String found) {
        return FileException.corrupt(file, expected, found);
    }

    @Override
    public FileException file(String file, String expected, String found, Throwable cause) {
        return FileException.corrupt(file, expected, found);
    }

    @Override
    public FileException tensor(String file, String tensor, String expected, String found) {
        return FileException.corrupt(file + ": tensor " + tensor, expected, found);
    }

    @Override
    public FileException unreadable(String file, IOException cause) {
        return FileException.reading(file, cause);
    }
}
