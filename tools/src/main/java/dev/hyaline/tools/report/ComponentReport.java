package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.HeadGap;
import dev.hyaline.analysis.causal.ShapleyValues;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What components do together: interactions and Shapley values. */
public final class ComponentReport {
    /** The name of the files of interactions. */
    public static final String INTERACTIONS = "interactions";

    /** The name of the files of Shapley values. */
    public static final String SHAPLEY = "shapley";

    /** The name of the files of the Shapley interactions of every two. */
    public static final String SHAPLEY_INTERACTIONS = "shapley-interactions";

    private final Console console;
    private final String model;
    private final String origin;
    private final Experiment experiment;
    private final HeadGap gap;
    private final TopOption top;
    private final Map<String, ResultTable> tables = new LinkedHashMap<>();
    private @Nullable ShapleyValues values;
    private boolean shares;

    /**
     * Reports on an experiment.
     *
     * @param origin the model and what the pairs are from, in words
     * @param gap what all heads add, of which the components have a share
     * @param top how much to show of long tables
     */
    public ComponentReport(
            Console console, String model, String origin, Experiment experiment, HeadGap gap, TopOption top) {
        this.console = console;
        this.model = model;
        this.origin = origin;
        this.experiment = experiment;
        this.gap = gap;
        this.top = top;
    }

    public void interactions(ResultTable table) {
        tables.put(INTERACTIONS, table.from(origin));
    }

    /**
     * Adds Shapley values.
     *
     * @param areShares whether they are shares of the gap already
     */
    public void shapley(ShapleyValues measured, boolean areShares) {
        values = measured;
        shares = areShares;
        tables.put(SHAPLEY, measured.values().from(origin));
        if (measured.interactions() != null) {
            tables.put(SHAPLEY_INTERACTIONS, measured.interactions().from(origin));
        }
    }

    /** Prints the tables, and writes them to a folder if there is one. */
    public void print(boolean json, @Nullable TableFolder folder) {
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeStringProperty("model", model);
                out.writeStringProperty("metric", experiment.metric().name());
                JsonOutput.number(out, "all_heads", gap.full());
                JsonOutput.number(out, "no_heads", gap.empty());
                tables.forEach((name, table) -> {
                    out.writeObjectPropertyStart(name.replace('-', '_'));
                    TableText.writeJson(table, out);
                    top.writeJson(out, table);
                    out.writeEndObject();
                });
                if (values != null) {
                    JsonOutput.number(out, "whole", values.whole());
                    JsonOutput.number(out, "share_of_all_heads", share(values));
                    JsonOutput.number(out, "sum_error", values.sumError());
                }
            });
        } else {
            show();
        }
        if (folder != null) {
            folder.write(console, tables, json);
        }
    }

    /** What the components keep together of what all heads add: their f where all other heads are ablated. */
    private double share(ShapleyValues of) {
        return shares ? of.whole() : gap.share(of.whole());
    }

    private void show() {
        StudyHeading.print(
                console,
                model,
                experiment.pairs(),
                ", " + experiment.metric().quantity() + ": clean "
                        + TableView.figure(experiment.baselines().meanClean()) + ", corrupted "
                        + TableView.figure(experiment.baselines().meanCorrupted()));
        tables.forEach((name, table) -> {
            TableView.print(console, table, top);
            if (!name.equals(SHAPLEY)) {
                words(table).ifPresent(console.out()::println);
            }
            console.out().println();
        });
        if (values != null) {
            console.out()
                    .println("Conservation: all together are worth " + TableView.figure(values.whole())
                            + "; the sum of the values differs by " + TableView.figure(values.sumError())
                            + " of that");
            console.out()
                    .println("of what all heads add to the metric they keep a share of "
                            + TableView.figure(share(values)));
            if (!values.standardErrors().isEmpty()) {
                console.out()
                        .println("standard errors of drawn orders: at most "
                                + TableView.figure(values.standardErrors().stream()
                                        .mapToDouble(Double::doubleValue)
                                        .max()
                                        .orElse(0)));
            }
        }
    }

    /** The pairs that stand out, in words. A metric that should be small has its signs the other way round. */
    private Optional<String> words(ResultTable table) {
        List<String> redundant = new ArrayList<>();
        List<String> serial = new ArrayList<>();
        for (int cell = 0; cell < table.cells(); cell++) {
            Optional<Effect> effect = table.statistics().effect(cell);
            if (effect.isPresent() && table.statistics().standsOut(cell)) {
                boolean below =
                        effect.get().estimate() < 0 != experiment.metric().isLowerBetter();
                (below ? redundant : serial).add(table.labels(cell).getFirst());
            }
        }
        List<String> parts = new ArrayList<>();
        if (!redundant.isEmpty()) {
            parts.add("redundant, costing more together: " + String.join(", ", redundant));
        }
        if (!serial.isEmpty()) {
            parts.add("serial, one pathway: " + String.join(", ", serial));
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(String.join(System.lineSeparator(), parts));
    }
}
