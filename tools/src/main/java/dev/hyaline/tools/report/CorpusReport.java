package dev.hyaline.tools.report;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** The output of {@code hyaline dump} for shards, written or only planned. */
public final class CorpusReport {
    private final Console console;
    private final String model;
    private final CorpusDump dump;
    private final CorpusDump.Forecast forecast;

    public CorpusReport(Console console, String model, CorpusDump dump, CorpusDump.Forecast forecast) {
        this.console = console;
        this.model = model;
        this.dump = dump;
        this.forecast = forecast;
    }

    /** Shows what would be written, and what it costs. */
    public void forecast(Path folder, CostReport cost, boolean json) {
        List<Path> existing = DumpFolder.existing(folder);
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", false);
                out.writeStringProperty("folder", folder.toString());
                out.writeBooleanProperty("exists", !existing.isEmpty());
                contents(out, cost.bytes());
                cost.write(out);
            });
            return;
        }
        sites();
        console.out().println();
        console.out()
                .println("Would write " + shards() + " (" + (dump.isOfLatents() ? "about " : "")
                        + DisplayText.bytes(cost.bytes()) + ") and " + DumpFolder.MANIFEST + " to " + folder);
        cost.print(console);
        if (!existing.isEmpty()) {
            console.out().println(existing.getFirst() + " exists already; replacing it takes --force.");
        }
    }

    /**
     * Shows what was written.
     *
     * @param tokens the number of tokens that this run processed
     */
    public void written(Gpt2 engine, CorpusDump.CorpusSummary written, long tokens, Duration elapsed, boolean json) {
        double rate = tokens / Math.max(1e-9, elapsed.toNanos() / 1e9);
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", true);
                out.writeStringProperty("manifest", written.manifest().toString());
                out.writeNumberProperty("overflowed_values", written.overflowed());
                out.writeNumberProperty("resumed_rows", written.resumedRows());
                out.writeNumberProperty("seconds", elapsed.toNanos() / 1e9);
                out.writeNumberProperty("tokens_per_second", rate);
                contents(out, written.bytes());
            });
            return;
        }
        console.out().println(DumpReport.headline(console, model, engine));
        console.out().println();
        sites();
        console.out().println();
        boolean complete = written.resumedRows() == forecast.rows();
        if (complete) {
            console.out().println("Nothing was left to do.");
        } else {
            console.out()
                    .println(DisplayText.count(tokens) + " tokens in " + DisplayText.figure(elapsed.toNanos() / 1e9)
                            + " s, "
                            + DisplayText.count(Math.round(rate)) + " tokens/s"
                            + (written.resumedRows() == 0
                                    ? ""
                                    : ", after " + DisplayText.plural(written.resumedRows(), "row")
                                            + " of an earlier run"));
        }
        console.out()
                .println((complete ? "There are " : "Wrote ") + shards() + " (" + DisplayText.bytes(written.bytes())
                        + (complete ? ") in " : ") to ") + written.manifest().getParent());
        console.out().println("  and " + written.manifest());
    }

    private String shards() {
        return DisplayText.plural(forecast.shards(), "shard");
    }

    private void sites() {
        console.out()
                .println(DisplayText.plural(forecast.documents(), "document") + ", "
                        + DisplayText.plural(forecast.tokens(), "token") + ", "
                        + DisplayText.plural(forecast.rows(), "row"));
        console.out().println();
        Table table = new Table("site", "row", ">bytes");
        List<TensorInfo> tensors = dump.rowTensors();
        for (int i = 0; i < dump.points().size() + dump.derived().size(); i++) {
            TensorInfo tensor = tensors.get(i);
            table.row(
                    tensor.name(),
                    DisplayText.shape(tensor.shape()),
                    dump.isOfLatents() ? "what fires" : DisplayText.count(tensor.bytes() * forecast.rows()));
        }
        table.print(console);
    }

    private void contents(JsonGenerator out, long bytes) {
        out.writeStringProperty("model", model);
        out.writeStringProperty("layout", dump.isOfLatents() ? "latents" : "shards");
        out.writeNumberProperty("documents", forecast.documents());
        out.writeNumberProperty("tokens", forecast.tokens());
        out.writeNumberProperty("rows", forecast.rows());
        out.writeNumberProperty("shards", forecast.shards());
        out.writeNumberProperty("bytes", bytes);
        out.writeArrayPropertyStart("sites");
        for (HookPoint point : dump.points()) {
            out.writeString(point.name());
        }
        dump.derived().forEach(site -> out.writeString(site.name()));
        out.writeEndArray();
    }
}
