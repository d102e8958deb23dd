package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The folder that a command's tables are written to. */
public final class TableOptions implements CheckedOptions {
    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description =
                    "Also write the results to this folder: each table as CSV, JSON, and a heat map in SVG and PNG;"
                            + " circuit writes what its help lists.")
    private @Nullable String out;

    @Option(names = "--force", description = "Replace tables of the same names in the folder.")
    private boolean force;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public void check() {
        if (out != null) {
            PathOption.requireWritable("--out", PathOption.parse("--out", out));
        }
    }

    public boolean isAsked() {
        return out != null;
    }

    /**
     * Checks before any work that the tables can be written.
     *
     * @param names of the tables that will be written
     * @throws BadInputException if the folder holds a table of that name that is not to be replaced
     */
    public void requireFree(String... names) {
        if (out == null || force) {
            return;
        }
        for (String name : names) {
            List<Path> there = TableFiles.finished(PathOption.parse("--out", out), name);
            if (!there.isEmpty()) {
                throw new BadInputException(
                        there.getFirst() + " exists already; choose another folder, or have it replaced (--force)");
            }
        }
    }

    /**
     * Returns the folder, which is not made before something is written.
     *
     * @param checkpoint the model that the results are of; null for none
     * @param names of the tables that will be written
     * @throws BadInputException if the folder holds a table of that name that is not to be replaced
     */
    public Optional<TableFolder> folder(@Nullable Checkpoint checkpoint, String... names) {
        requireFree(names);
        if (out == null) {
            return Optional.empty();
        }
        Path folder = PathOption.parse("--out", out);
        return Optional.of(new TableFolder(folder, ResultArguments.record(spec, null, checkpoint)));
    }
}
