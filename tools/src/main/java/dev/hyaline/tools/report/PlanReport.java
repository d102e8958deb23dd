package dev.hyaline.tools.report;

import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The output of {@code hyaline dump} for a dump that is written in parts. */
public record PlanReport(Console console, DumpPlan plan, Path folder, boolean json) {
    /**
     * Shows a plan.
     *
     * @param cost of the dump, if the plan was not written; null if it is in the folder
     */
    public void planned(@Nullable CostReport cost) {
        boolean written = cost == null;
        Path file = folder.resolve(DumpPlan.FILE);
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", written);
                out.writeStringProperty("plan", file.toString());
                contents(out, cost == null ? plan.bytes() : cost.bytes());
                if (cost != null) {
                    cost.write(out);
                }
            });
            return;
        }
        console.out()
                .println(documents() + ", "
                        + DisplayText.plural(plan.tokens(), "token") + ", " + DisplayText.plural(plan.rows(), "row")
                        + ", " + DisplayText.plural(plan.shards(), "shard") + " ("
                        + size(cost) + ")");
        if (plan.droppedTokens() > 0) {
            console.out()
                    .println(DisplayText.plural(plan.droppedTokens(), "token") + " after the last whole window "
                            + (plan.droppedTokens() == 1 ? "is" : "are") + " left out");
        }
        console.out().println((written ? "Wrote " : "Would write ") + file);
        if (cost != null) {
            cost.print(console);
        } else {
            console.out().println("  Write its parts in any order, on any machines that see the same files here:");
            console.out()
                    .println("    hyaline dump --out " + Printable.shellWord(folder.toString()) + " --part 0/"
                            + Math.min(plan.shards(), 16));
            console.out().println("  and, when all are there:");
            console.out().println("    hyaline dump --out " + Printable.shellWord(folder.toString()) + " --finish");
        }
    }

    /** Shows what a part has written. */
    public void part(DumpPlan.PartSummary part, long tokens, Duration elapsed) {
        double seconds = elapsed.toNanos() / 1e9;
        double rate = tokens / Math.max(1e-9, seconds);
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeArrayPropertyStart("shards");
                part.written().forEach(shard -> out.writeString(shard.toString()));
                out.writeEndArray();
                out.writeNumberProperty("found", part.found());
                out.writeNumberProperty("rows", part.rows());
                out.writeNumberProperty("bytes", part.bytes());
                out.writeNumberProperty("overflowed_values", part.overflowed());
                out.writeNumberProperty("seconds", seconds);
                out.writeNumberProperty("tokens_per_second", rate);
            });
            return;
        }
        if (part.written().isEmpty()) {
            console.out()
                    .println(
                            part.found() == 0
                                    ? "Nothing to do: there are fewer shards than parts, and this part has none."
                                    : "Nothing was left to do: " + DisplayText.plural(part.found(), "shard")
                                            + " of the part "
                                            + (part.found() == 1 ? "is" : "are") + " done.");
            return;
        }
        console.out()
                .println(DisplayText.count(tokens) + " tokens in " + DisplayText.figure(seconds) + " s, "
                        + DisplayText.count(Math.round(rate)) + " tokens/s");
        console.out()
                .println("Wrote " + DisplayText.plural(part.written().size(), "shard") + " ("
                        + DisplayText.bytes(part.bytes()) + ") to " + folder
                        + (part.found() == 0 ? "" : ", where " + DisplayText.count(part.found()) + " were done"));
    }

    /** Shows a dump that is complete. */
    public void finished(CorpusDump.CorpusSummary finished) {
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", true);
                out.writeStringProperty("manifest", finished.manifest().toString());
                out.writeNumberProperty("overflowed_values", finished.overflowed());
                contents(out, finished.bytes());
            });
            return;
        }
        console.out()
                .println("All " + DisplayText.plural(plan.shards(), "shard") + " ("
                        + DisplayText.bytes(finished.bytes()) + ", " + DisplayText.plural(plan.rows(), "row")
                        + ") are there; wrote " + finished.manifest());
    }

    private String documents() {
        String read = DisplayText.plural(plan.corpusDocuments(), "document");
        return plan.context().isEmpty()
                ? read
                : read + " packed into " + DisplayText.plural(plan.documents(), "window") + " of "
                        + plan.context().getAsInt();
    }

    private String size(@Nullable CostReport cost) {
        if (!plan.isOfLatents()) {
            return DisplayText.bytes(plan.bytes());
        }
        return cost == null
                ? DisplayText.bytes(plan.bytes()) + " and what fires"
                : "about " + DisplayText.bytes(cost.bytes());
    }

    private void contents(JsonGenerator out, long bytes) {
        out.writeStringProperty("model", plan.model());
        out.writeStringProperty("plan_sha256", plan.sha256());
        out.writeNumberProperty("documents", plan.documents());
        out.writeNumberProperty("tokens", plan.tokens());
        out.writeNumberProperty("dropped_tokens", plan.droppedTokens());
        out.writeNumberProperty("rows", plan.rows());
        out.writeNumberProperty("shards", plan.shards());
        out.writeNumberProperty("bytes", bytes);
    }
}
