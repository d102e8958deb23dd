package dev.hyaline.files;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;

/** Errors of a module that reads files. */
enum TestErrors implements FileErrors {
    INSTANCE;

    @Override
    public HyalineException file(String file, String expected, String found) {
        return new HyalineException(file + ": expected " + expected + ", found " + found);
    }

    @Override
    public HyalineException file(String file, String expected, String found, Throwable cause) {
        return new HyalineException(file + ": expected " + expected + ", found " + found, cause);
    }

    @Override
    public HyalineException tensor(String file, String tensor, String expected, String found) {
        return file(file + ": tensor " + tensor, expected, found);
    }

    @Override
    public HyalineException unreadable(String file, IOException cause) {
        return new HyalineException("cannot read " + file + ": " + FileException.reason(cause), cause);
    }
}
