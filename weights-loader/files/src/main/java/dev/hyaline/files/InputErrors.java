package dev.hyaline.files;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import java.io.IOException;

/** The exceptions for files that values are taken from: each is a {@link BadInputException}. */
public enum InputErrors implements FileErrors {
    INSTANCE;

    @Override
    public BadInputException file(String file, String expected, String found) {
        return new BadInputException(file + ": expected " + expected + ", found " + found);
    }

    @Override
    public BadInputException file(String file, String expected, String found, Throwable cause) {
        return file(file, expected, found);
    }

    @Override
    public BadInputException tensor(String file, String tensor, String expected, String found) {
        return file(file + ": tensor " + tensor, expected, found);
    }

    @Override
    public FileException unreadable(String file, IOException cause) {
        return FileException.reading(file, cause);
    }
}
