package dev.hyaline.instrument.dump;

import dev.hyaline.files.Disk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A folder of this machine, or one that it shares with others: what is written lies beside what is there. */
record PartFolder(Path scratch) implements PartStore {
    @Override
    public String name(String file) {
        return scratch.resolve(file).toString();
    }

    @Override
    public String name() {
        return scratch.toString();
    }

    @Override
    public OptionalLong size(String file) {
        Path path = scratch.resolve(file);
        return Files.isRegularFile(path) ? OptionalLong.of(path.toFile().length()) : OptionalLong.empty();
    }

    @Override
    public InputStream open(String file) throws IOException {
        return Files.newInputStream(scratch.resolve(file));
    }

    @Override
    public void publish(Path written, String file) throws IOException {
        move(written, scratch.resolve(file));
        Disk.sync(scratch);
    }

    @Override
    public boolean publishNew(Path written, String file) throws IOException {
        Path target = scratch.resolve(file);
        try {
            // A link, unlike a move, never replaces.
            Files.createLink(target, written);
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (UnsupportedOperationException | IOException e) {
            // A file system without links.
            move(written, target);
        }
        Files.deleteIfExists(written);
        Disk.sync(scratch);
        return true;
    }

    private static void move(Path written, Path target) throws IOException {
        Files.move(written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void removeAttempts(Predicate<String> isAttempt) throws IOException {
        List<Path> left;
        try (Stream<Path> files = Files.list(scratch)) {
            left = files.filter(file -> isAttempt.test(file.getFileName().toString()))
                    .toList();
        }
        for (Path file : left) {
            Files.deleteIfExists(file);
        }
    }
}
