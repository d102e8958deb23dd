package dev.hyaline.tools.option;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.explorer.Page;
import dev.hyaline.files.PartialFile;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The page that a command writes beside what it prints. */
public final class PageOption implements CheckedOptions {
    private static final String NAME = "--html";

    @Option(
            names = NAME,
            paramLabel = "FILE",
            description = "Also write the result as a page: one file that any browser opens, without a network.")
    private @Nullable String file;

    @Override
    public void check() {
        if (file != null) {
            PathOption.newFile(NAME, file);
        }
    }

    public boolean isAsked() {
        return file != null;
    }

    /**
     * Writes the page, if one is asked for, and prints its name unless {@code quiet}.
     *
     * @param page made only if it is asked for
     */
    public void write(Console console, Supplier<Page> page, boolean quiet) {
        if (file == null) {
            return;
        }
        Path path = PathOption.parse(NAME, file);
        try {
            Files.createDirectories(Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file has a folder"));
            PartialFile.write(path, page.get().html().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw FileException.writing(path, e);
        }
        if (!quiet) {
            console.out().println("Wrote " + path);
        }
    }
}
