package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.explorer.view.EffectMapView;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs a sweep, and shows and writes its table. Results are kept in the folder, if there is one, as they come, so that
 * the same command continues where it was stopped.
 *
 * @param origin the model and what the pairs are from, in words
 * @param name of the table's files
 * @param folder the folder to write to; null to show the table only
 * @param normalise whether to show the clean run as 1 and the corrupted one as 0
 * @param top how much to show of it
 * @param second another table that is made from the sweep's; null for none
 */
public record SweepReport(
        Console console,
        String model,
        String origin,
        String name,
        @Nullable TableFolder folder,
        boolean normalise,
        boolean json,
        TopOption top,
        @Nullable SecondTable second) {
    /** A table made from a sweep's, such as a matrix of edges. */
    public interface SecondTable {
        /** The name of its files. */
        String name();

        /**
         * Makes it.
         *
         * @param table as it is shown, of the sweep's results
         */
        ResultTable of(SweepResult result, ResultTable table);

        /** Shows it under the sweep's, where it is not for files alone. */
        default void show(Console console, ResultTable table) {}
    }

    /** Runs a sweep, shows it, writes it, and returns its result. */
    public SweepResult run(Experiment experiment, Sweep sweep) {
        @Nullable Path journal = folder == null ? null : folder.path().resolve("." + name + ".cells");
        SweepResult result = measure(experiment, sweep, journal);
        ResultTable table = (normalise ? result.normalised() : result.table()).from(origin);
        @Nullable ResultTable other = second == null ? null : second.of(result, table);
        if (json) {
            print(experiment, result, table, other);
        } else {
            show(experiment, result, table);
            if (second != null && other != null) {
                second.show(console, other);
            }
        }
        if (folder != null) {
            Map<String, ResultTable> tables = new LinkedHashMap<>();
            tables.put(name, table);
            if (second != null && other != null) {
                tables.put(second.name(), other);
            }
            folder.write(console, tables, json);
        }
        if (journal != null) {
            delete(journal);
        }
        return result;
    }

    /**
     * The view of a sweep's result.
     *
     * @param edit the run behind each cell; null where there is none to name
     */
    public EffectMapView view(ViewHeading heading, SweepResult result, @Nullable CellEdit edit) {
        double gap = result.baselines().gap();
        EffectMapView view = EffectMapView.of(heading, result.table().from(origin));
        EffectMapView scaled = gap == 0 || !Double.isFinite(gap)
                ? view
                : view.withNormalised(result.normalised().from(origin), normalise);
        return edit == null ? scaled : scaled.withEdit(edit);
    }

    private SweepResult measure(Experiment experiment, Sweep sweep, @Nullable Path journal) {
        SweepOptions options =
                journal == null ? SweepOptions.none() : SweepOptions.none().journal(journal);
        long total = (long) sweep.cells() * experiment.pairs().size();
        try (ConsoleProgress progress = new ConsoleProgress(console, name, "edits", total);
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal == null) {
                notice.cancel();
            }
            long[] before = {-1};
            return experiment.sweep(sweep, options.progress((done, all) -> {
                if (before[0] < 0) {
                    progress.skip(done - 1);
                    before[0] = done - 1;
                }
                progress.advance(done - before[0]);
                before[0] = done;
            }));
        }
    }

    private void show(Experiment experiment, SweepResult result, ResultTable table) {
        StudyHeading.print(
                console,
                model,
                experiment.pairs(),
                ", " + experiment.metric().quantity() + ": clean "
                        + TableView.figure(result.baselines().meanClean()) + ", corrupted "
                        + TableView.figure(result.baselines().meanCorrupted()));
        TableView.print(console, table, top);
        console.out().println();
        console.out().println(work(result));
    }

    private static String work(SweepResult result) {
        long done = result.work().done();
        String saving = done == 0
                ? ""
                : String.format(
                        Locale.ROOT, " (%.1f times as many)", result.work().saving());
        String resumed = result.resumed() == 0
                ? ""
                : "; " + (result.measured() == 0 ? "all" : DisplayText.count(result.resumed()))
                        + " were done by a run that was stopped";
        return DisplayText.plural(result.edits(), "edit") + ": " + multiplyAdds(done)
                + " multiply-adds, where full reruns take "
                + multiplyAdds(result.work().full()) + saving + resumed;
    }

    private static String multiplyAdds(long count) {
        return count < 1_000_000 ? DisplayText.count(count) : String.format(Locale.ROOT, "%.3g", (double) count);
    }

    private void print(Experiment experiment, SweepResult result, ResultTable table, @Nullable ResultTable other) {
        JsonOutput.print(console, out -> {
            out.writeStringProperty("model", model);
            out.writeStringProperty("metric", experiment.metric().name());
            out.writeNumberProperty("clean", result.baselines().meanClean());
            out.writeNumberProperty("corrupted", result.baselines().meanCorrupted());
            out.writeObjectPropertyStart("work");
            out.writeNumberProperty("edits", result.edits());
            out.writeNumberProperty("edits_resumed", result.resumed());
            out.writeNumberProperty("multiply_adds", result.work().done());
            out.writeNumberProperty(
                    "multiply_adds_of_full_reruns", result.work().full());
            out.writeEndObject();
            out.writeObjectPropertyStart("table");
            TableText.writeJson(table, out);
            out.writeEndObject();
            top.writeJson(out, table);
            if (second != null && other != null) {
                out.writeObjectPropertyStart(second.name());
                TableText.writeJson(other, out);
                out.writeEndObject();
            }
        });
    }

    private static void delete(Path journal) {
        try {
            Files.deleteIfExists(journal);
        } catch (IOException e) {
            throw FileException.writing(journal, e);
        }
    }
}
