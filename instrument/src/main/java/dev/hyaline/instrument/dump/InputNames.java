package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The files that names of a corpus stand for. */
final class InputNames {
    private static final Pattern WILD = Pattern.compile("[*?\\[{]");

    private InputNames() {}

    static List<String> expand(String name) {
        Optional<RemoteFiles> remote = InputFile.remote(name);
        if (remote.isPresent()) {
            return expand(name, remote.get());
        }
        Path path = isPattern(name) ? null : InputFile.path(name);
        if (path == null) {
            return matches(name);
        }
        if (!Files.isDirectory(path)) {
            return List.of(name);
        }
        List<String> all = files(path, Integer.MAX_VALUE, file -> !isHidden(path, file));
        return ofFolder(name, all);
    }

    private static List<String> expand(String name, RemoteFiles remote) {
        try {
            List<String> files = remote.list(name);
            if (files.equals(List.of(name))) {
                return files;
            }
            if (!WILD.matcher(name).find()) {
                return ofFolder(name, files);
            }
            if (files.isEmpty()) {
                throw noMatch(name);
            }
            return files;
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /** The files of a corpus among those of a folder. */
    private static List<String> ofFolder(String name, List<String> all) {
        if (all.stream().anyMatch(file -> file.endsWith(".arrow"))) {
            throw new BadInputException(name + " holds Arrow files, as the datasets library saves them, which are not"
                    + " read; write it as Parquet, by load_from_disk(\"" + name
                    + "\").to_parquet(\"corpus.parquet\") or so of each of its splits, and give that");
        }
        List<String> files = all.stream().filter(InputFormat::isKnown).toList();
        if (files.isEmpty()) {
            throw new BadInputException("the folder " + name + " holds no file of a corpus; such files' names end in "
                    + InputFormat.known());
        }
        return files;
    }

    /** Returns whether a name is a pattern, and not itself that of a file. */
    private static boolean isPattern(String name) {
        if (!WILD.matcher(name).find()) {
            return false;
        }
        try {
            return !Files.exists(InputFile.path(name));
        } catch (BadInputException e) {
            return true; // Windows takes no * in a name.
        }
    }

    private static List<String> matches(String pattern) {
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        } catch (PatternSyntaxException e) {
            throw new BadInputException(
                    "'" + pattern + "' is neither a file nor a pattern of files' names: " + e.getDescription());
        }
        String fixed = pattern.split(WILD.pattern(), 2)[0];
        int end = fixed.lastIndexOf('/');
        Path folder = InputFile.path(end < 0 ? "" : end == 0 ? "/" : fixed.substring(0, end));
        // Only ** crosses folders.
        int depth = pattern.contains("**")
                ? Integer.MAX_VALUE
                : 1
                        + (int) pattern.substring(end + 1)
                                .chars()
                                .filter(c -> c == '/')
                                .count();
        List<String> files = Files.isDirectory(folder) ? files(folder, depth, matcher::matches) : List.of();
        if (files.isEmpty()) {
            throw noMatch(pattern);
        }
        return files;
    }

    private static BadInputException noMatch(String pattern) {
        return new BadInputException("no file matches the pattern " + pattern);
    }

    private static List<String> files(Path folder, int depth, Predicate<Path> chosen) {
        try (Stream<Path> files = Files.walk(folder, depth, FileVisitOption.FOLLOW_LINKS)) {
            return files.filter(file -> chosen.test(file) && Files.isRegularFile(file))
                    .map(Path::toString)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        } catch (UncheckedIOException e) {
            throw FileException.reading(folder, cause(e));
        }
    }

    private static IOException cause(UncheckedIOException e) {
        @Nullable IOException cause = e.getCause();
        return cause == null ? new IOException(e) : cause;
    }

    /** Returns whether a file of a folder, or a folder between, has a name that begins with a dot. */
    private static boolean isHidden(Path folder, Path file) {
        for (Path part : folder.relativize(file)) {
            if (part.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }
}
