package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.regex.Pattern;

/** An input file by its name, on this machine or elsewhere. */
record InputFile(String name) {
    /** Two letters or more, so that a drive is none. */
    private static final Pattern REMOTE = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+://.*");

    /**
     * The service that has a file.
     *
     * @return empty if it is a file of this machine
     * @throws BadInputException if the name has a scheme that no service knows
     */
    static Optional<RemoteFiles> remote(String name) {
        if (!REMOTE.matcher(name).matches()) {
            return Optional.empty();
        }
        for (RemoteFiles files : ServiceLoader.load(RemoteFiles.class, InputFile.class.getClassLoader())) {
            if (files.has(name)) {
                return Optional.of(files);
            }
        }
        throw new BadInputException(name + ": files elsewhere are read through Hadoop by the module hyaline-spark,"
                + " which is not there or does not know that file system");
    }

    static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new BadInputException("'" + name + "' cannot be a file name here (" + e.getReason() + ")");
        }
    }

    long size() throws IOException {
        Optional<RemoteFiles> remote = remote(name);
        return remote.isPresent() ? remote.get().size(name) : Files.size(path(name));
    }

    InputStream open() throws IOException {
        Optional<RemoteFiles> remote = remote(name);
        return remote.isPresent() ? remote.get().open(name) : Files.newInputStream(path(name));
    }

    /** Opens a file of records, which is copied to this machine first if it is elsewhere. */
    InputStream jsonLines(RecordFormat records, long first) throws IOException {
        Optional<RemoteFiles> remote = remote(name);
        return remote.isPresent() ? copied(remote.get(), records, first) : records.jsonLines(path(name), first);
    }

    private InputStream copied(RemoteFiles remote, RecordFormat records, long first) throws IOException {
        Path copy = Files.createTempFile("hyaline-input", records.ending());
        try (InputStream in = remote.open(name)) {
            Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
            return new FilterInputStream(records.jsonLines(copy, first)) {
                @Override
                public void close() throws IOException {
                    super.close();
                    Files.deleteIfExists(copy);
                }
            };
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(copy);
            throw e;
        }
    }
}
