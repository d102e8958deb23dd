package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.Printable;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The page that a command writes beside what it prints. */
public final class PageOption implements CheckedOptions {
    private static final String NAME = "--html";
    private static final int LARGE_BYTES = 1_000_000;
    private static final int MAX_EASY_BYTES = 30_000_000;

    @Option(
            names = NAME,
            paramLabel = "FILE",
            description = "Also write the result as a page: one file that any browser opens, without a network.")
    private @Nullable String file;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public void check() {
        if (file != null) {
            PathOption.newFile(NAME, file);
        }
    }

    public boolean isAsked() {
        return file != null;
    }

    /** The heading of a view of this command's result, with the command less the options that change no result. */
    public ViewHeading heading(String title, String model) {
        return ViewHeading.of(title, model)
                .withCommand("hyaline "
                        + ResultArguments.of(command).stream()
                                .map(Printable::shellWord)
                                .collect(Collectors.joining(" ")));
    }

    /** The same of a study's result. */
    public ViewHeading heading(String title, Study study, PairOptions pairs) {
        int count = study.pairs().size();
        ViewHeading heading = heading(title, study.model())
                .withBasis(DisplayText.plural(count, "pair")
                        + (study.pairsOrigin().equals("one pair") ? "" : " of " + study.pairsOrigin()));
        return pairs.areDrawn() ? heading.withSeed(pairs.seed()) : heading;
    }

    /**
     * Writes the page, if one is asked for, and prints its name unless {@code quiet}.
     *
     * @param checkpoint the model; null for none
     * @param page made only if it is asked for
     */
    public void write(Console console, @Nullable Checkpoint checkpoint, Supplier<Page> page, boolean quiet) {
        if (file == null) {
            return;
        }
        write(
                console,
                PathOption.parse(NAME, file),
                page.get(),
                ResultArguments.record(command, NAME, checkpoint),
                quiet);
    }

    /** Says how large a page is if it is large, writes it to a file, and prints its name unless {@code quiet}. */
    public static void write(Console console, Path path, Page page, CommandRecord made, boolean quiet) {
        byte[] html = made.into(".html", page.html().getBytes(StandardCharsets.UTF_8));
        if (html.length >= LARGE_BYTES) {
            console.err().printf(Locale.ROOT, "hyaline: %s will have %.1f MB%n", path, html.length / 1e6);
        }
        if (html.length > MAX_EASY_BYTES) {
            console.err()
                    .printf(
                            Locale.ROOT,
                            "hyaline: more than the %d MB that a browser opens easily%n",
                            MAX_EASY_BYTES / 1_000_000);
        }
        console.flush();
        try {
            Files.createDirectories(Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file has a folder"));
            PartialFile.write(path, html);
        } catch (IOException e) {
            throw FileException.writing(path, e);
        }
        if (!quiet) {
            console.out().println("Wrote " + path);
        }
    }
}
