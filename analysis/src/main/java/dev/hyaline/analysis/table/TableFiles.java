package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.PartialFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tables as files of their names: {@code .csv}, {@code .json}, and of a table small enough to be seen {@code .svg} and
 * {@code .png}. What is written together is a set: all contents are on disk under other names before the first file
 * appears, and while files appear a file {@code .NAME.tables} tells that the set is not finished.
 */
public final class TableFiles {
    private TableFiles() {}

    /** The files that a table of a name may have. */
    public static List<Path> files(Path folder, String name) {
        return Stream.of("csv", "json", "svg", "png")
                .map(type -> folder.resolve(name + "." + type))
                .toList();
    }

    /** The files there are of a table of a name; none if they are what an unfinished {@link #write} left. */
    public static List<Path> finished(Path folder, String name) {
        if (Files.exists(marker(folder, name), LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        return files(folder, name).stream()
                .filter(file -> Files.exists(file, LinkOption.NOFOLLOW_LINKS))
                .toList();
    }

    /** Makes a folder if it is not there. */
    public static void createFolder(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /** As {@link #write(Path, Map)}, of one table. */
    public static List<Path> write(Path folder, String name, ResultTable table) {
        return write(folder, Map.of(name, table));
    }

    /** As {@link #write(Path, Map, CommandRecord)}, without a record of a command. */
    public static List<Path> write(Path folder, Map<String, ResultTable> tables) {
        return write(folder, tables, null);
    }

    /**
     * Writes tables by name, replacing files of the same names.
     *
     * @param made what the files say of how they were made; null for nothing
     * @return what was written
     * @throws FileException if the folder cannot be made or written to; what was left does not count as
     *     {@link #finished}, unless it is an earlier table of which nothing was replaced
     */
    public static List<Path> write(Path folder, Map<String, ResultTable> tables, @Nullable CommandRecord made) {
        Map<Path, byte[]> contents = new LinkedHashMap<>();
        tables.forEach((name, table) -> contents.putAll(contents(folder, name, table)));
        if (made != null) {
            contents.replaceAll((file, content) -> made.into(file.toString(), content));
        }
        createFolder(folder);
        List<PartialFile> partials = new ArrayList<>();
        try {
            contents.forEach((file, content) -> {
                partials.add(begin(file));
                fill(partials.getLast(), content);
            });
            for (String name : tables.keySet()) {
                write(marker(folder, name));
            }
        } catch (FileException e) {
            partials.forEach(TableFiles::discard);
            throw e;
        }
        for (String name : tables.keySet()) {
            files(folder, name).stream()
                    .filter(file -> !contents.containsKey(file))
                    .forEach(TableFiles::delete);
        }
        try {
            partials.forEach(TableFiles::put);
        } catch (FileException e) {
            partials.forEach(TableFiles::discard);
            throw e;
        }
        tables.keySet().forEach(name -> delete(marker(folder, name)));
        sync(folder);
        return List.copyOf(contents.keySet());
    }

    private static Map<Path, byte[]> contents(Path folder, String name, ResultTable table) {
        List<Path> files = files(folder, name);
        Map<Path, byte[]> contents = new LinkedHashMap<>();
        contents.put(files.get(0), TableText.csv(table).getBytes(StandardCharsets.UTF_8));
        contents.put(files.get(1), TableText.json(table).getBytes(StandardCharsets.UTF_8));
        if (TablePicture.fits(table)) {
            Picture picture = TablePicture.of(table);
            contents.put(files.get(2), picture.svg().getBytes(StandardCharsets.UTF_8));
            contents.put(files.get(3), picture.png());
        }
        return contents;
    }

    private static Path marker(Path folder, String name) {
        return folder.resolve("." + name + ".tables");
    }

    private static PartialFile begin(Path file) {
        try {
            return PartialFile.begin(
                            Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder"),
                            file.getFileName().toString(),
                            UnaryOperator.identity())
                    .orElseThrow(() -> new FileSystemException(file.toString(), null, "another run is writing it"));
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    private static void fill(PartialFile partial, byte[] content) {
        try {
            for (ByteBuffer bytes = ByteBuffer.wrap(content); bytes.hasRemaining(); ) {
                partial.channel().write(bytes);
            }
            partial.channel().force(true);
        } catch (IOException e) {
            throw FileException.writing(partial.target(), e);
        }
    }

    private static void write(Path marker) {
        try {
            PartialFile.write(marker, new byte[0]);
        } catch (IOException e) {
            throw FileException.writing(marker, e);
        }
    }

    private static void put(PartialFile partial) {
        try {
            partial.rename();
            partial.channel().close();
        } catch (IOException e) {
            throw FileException.writing(partial.target(), e);
        }
    }

    /** Gives a file up, unless it has its name already. */
    private static void discard(PartialFile partial) {
        try {
            partial.discard();
        } catch (IOException e) {
            // The failure that led here is told; what is left is replaced by the next write.
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    private static void sync(Path folder) {
        try {
            Disk.sync(folder);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }
}
