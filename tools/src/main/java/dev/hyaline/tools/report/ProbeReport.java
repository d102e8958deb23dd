package dev.hyaline.tools.report;

import dev.hyaline.analysis.probe.AlignmentStudy;
import dev.hyaline.analysis.probe.DirectionTests;
import dev.hyaline.analysis.probe.ErasedStudy;
import dev.hyaline.analysis.probe.ProbeStudy;
import dev.hyaline.analysis.probe.ProbedPrompts;
import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * What probes read, whether the model uses it, and what erasing it does.
 *
 * @param tests null if no direction was edited
 * @param aligned null if no subspace was trained
 * @param seed of the intervals
 * @param top how much to show of long tables
 */
public record ProbeReport(
        Console console,
        ProbeStudy study,
        @Nullable DirectionTests tests,
        List<ErasedStudy> erased,
        @Nullable AlignmentStudy aligned,
        long seed,
        TopOption top) {
    /**
     * What the probes were asked for, as the options name it.
     *
     * @param erased method of erasure; null without one
     */
    public record Settings(
            String site,
            String method,
            String split,
            int folds,
            @Nullable String erased) {}

    public ProbeReport {
        erased = List.copyOf(erased);
    }

    /** Prints it as text. */
    public void print(String model, String origin, Settings settings) {
        ProbedPrompts of = study.prompts();
        console.headed(
                model,
                origin + ", " + settings.site() + ", " + settings.method() + "; "
                        + DisplayText.plural(of.prompts().size(), "prompt") + ", "
                        + DisplayText.plural(of.types().count(), "type") + ", classes "
                        + String.join(" ", of.classes()));
        console.out().println();
        TableView.print(console, study.accuracy(), top);
        console.out().println();
        Table table = new Table(
                "layer",
                "position",
                ">accuracy",
                ">95% interval",
                ">p",
                ">AUC",
                ">control",
                ">selectivity",
                "reads",
                "used");
        for (int i = 0; i < study.cells().size(); i++) {
            ProbeStudy.Cell cell = study.cells().get(i);
            table.row(
                    layer(i),
                    position(i),
                    figure(cell.label().accuracy()),
                    interval(cell),
                    String.format(Locale.ROOT, "%.3f", cell.p()),
                    cell.label().auc().map(auc -> figure(auc.area())).orElse("-"),
                    figure(cell.control().accuracy()),
                    figure(cell.selectivity()),
                    reads(i) ? "yes" : "no",
                    tests == null ? "-" : isUsed(tests, i) ? "yes" : "no");
        }
        table.print(console);
        console.dimLines("p: labels exchanged among units of a fold, against chance; of each cell alone, not adjusted");
        console.dimLines("reads: accuracy above that of the control task, by the * of the table above");
        if (tests != null) {
            console.dimLines("used: an edit of the direction does more than the average of " + tests.random()
                    + " random ones, by the * of the table below, and than all but "
                    + percent(RandomDirections.AS_MUCH) + " of them");
        }
        if (tests != null) {
            console.out().println();
            TableView.print(console, tests.effects(), top);
        }
        if (!erased.isEmpty()) {
            console.out().println();
            showErased(settings);
        }
        if (aligned != null) {
            console.out().println();
            showAligned(aligned);
        }
    }

    private void showAligned(AlignmentStudy aligned) {
        console.lines("Share of " + aligned.accuracy().samples().size() + " pairs, each unseen, that say the other"
                + " answer with the other prompt's values in a subspace (" + aligned.dimensions() + " trained):");
        List<String> headings = new ArrayList<>(List.of("layer", "position"));
        AlignmentStudy.SUBSPACES.forEach(name -> headings.add(">" + name));
        headings.add(2 + AlignmentStudy.SUBSPACES.indexOf("trained") + 1, ">95% interval");
        Table table = new Table(headings.toArray(String[]::new));
        for (int i = 0; i < study.cells().size(); i++) {
            List<String> row = new ArrayList<>(List.of(layer(i), position(i)));
            for (int kind = 0; kind < AlignmentStudy.SUBSPACES.size(); kind++) {
                row.add(figure(accuracy(aligned, kind, i)));
                if (AlignmentStudy.SUBSPACES.get(kind).equals("trained")) {
                    Interval interval = bounds(aligned, kind, i);
                    row.add(figure(interval.low()) + " " + figure(interval.high()));
                }
            }
            table.row(row.toArray());
        }
        table.print(console);
    }

    private double accuracy(AlignmentStudy aligned, int subspace, int cell) {
        int steps = study.prompts().axis().size();
        return aligned.accuracy().meanAt(subspace, cell / steps, cell % steps);
    }

    private Interval bounds(AlignmentStudy aligned, int subspace, int cell) {
        int steps = study.prompts().axis().size();
        return aligned.interval(subspace, cell / steps, cell % steps, seed);
    }

    private void showErased(Settings settings) {
        console.out()
                .println("Erased by " + settings.erased() + " at one layer and position, judged on held-out prompts:");
        Table table = new Table(
                "layer", "position", ">dimensions", ">probe", ">erased", ">logit diff", ">erased", ">right", ">erased");
        for (int i = 0; i < erased.size(); i++) {
            ErasedStudy one = erased.get(i);
            ErasedStudy.LogitDifferences said = one.behaviour();
            table.row(
                    layer(i),
                    position(i),
                    String.valueOf(one.dimensions()),
                    figure(one.before().accuracy()),
                    figure(one.after().accuracy()),
                    said == null ? "-" : figure(said.meanBefore()),
                    said == null ? "-" : figure(said.meanAfter()),
                    said == null ? "-" : figure(ErasedStudy.LogitDifferences.right(said.before())),
                    said == null ? "-" : figure(ErasedStudy.LogitDifferences.right(said.after())));
        }
        table.print(console);
    }

    private static String figure(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private String interval(ProbeStudy.Cell cell) {
        Interval interval = bounds(cell);
        return figure(interval.low()) + " " + figure(interval.high());
    }

    private Interval bounds(ProbeStudy.Cell cell) {
        return cell.label()
                .interval(study.prompts().types(), CounterRandom.of(seed).named("probe/interval"));
    }

    private String layer(int cell) {
        return study.accuracy()
                .axes()
                .get(1)
                .labels()
                .get(cell / study.prompts().axis().size());
    }

    private String position(int cell) {
        return study.prompts().axis().labels().get(cell % study.prompts().axis().size());
    }

    private boolean reads(int cell) {
        int steps = study.prompts().axis().size();
        return study.accuracy()
                .statistics()
                .effect(study.accuracy().cell(0, cell / steps, cell % steps))
                .filter(effect -> effect.standsOut() && effect.estimate() > 0)
                .isPresent();
    }

    private boolean isUsed(DirectionTests tests, int cell) {
        int steps = study.prompts().axis().size();
        return tests.isUsed(cell / steps, cell % steps);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.3g %%", 100 * share);
    }

    /** What a cell shows, in words. */
    private String verdict(@Nullable DirectionTests tests, int cell) {
        boolean reads = reads(cell);
        if (tests == null) {
            return reads ? "readable" : "not above its control";
        }
        boolean used = isUsed(tests, cell);
        if (reads) {
            return used ? "readable, and used by the model" : "readable, but the model does not use it here";
        }
        return used ? "not above its control, but edits of the direction act" : "not above its control";
    }

    /** Prints it, and its tables, as one JSON document. */
    public void json(String model, Settings settings, Map<String, ResultTable> tables) {
        JsonOutput.print(console, out -> write(out, model, settings, tables));
    }

    private void write(JsonGenerator out, String model, Settings settings, Map<String, ResultTable> tables) {
        out.writeStringProperty("model", model);
        out.writeStringProperty("site", settings.site());
        out.writeStringProperty("method", settings.method());
        out.writeStringProperty("split", settings.split());
        out.writeNumberProperty("folds", settings.folds());
        out.writeArrayPropertyStart("classes");
        study.prompts().classes().forEach(out::writeString);
        out.writeEndArray();
        top.writeJson(out, study.accuracy());
        out.writeArrayPropertyStart("cells");
        for (int i = 0; i < study.cells().size(); i++) {
            ProbeStudy.Cell cell = study.cells().get(i);
            Interval interval = bounds(cell);
            out.writeStartObject();
            out.writeStringProperty("layer", layer(i));
            out.writeStringProperty("position", position(i));
            JsonOutput.number(out, "accuracy", cell.label().accuracy());
            JsonOutput.number(out, "interval_low", interval.low());
            JsonOutput.number(out, "interval_high", interval.high());
            JsonOutput.number(out, "p", cell.p());
            JsonOutput.number(
                    out, "auc", cell.label().auc().map(auc -> auc.area()).orElse(Double.NaN));
            JsonOutput.number(out, "log_loss", cell.label().logLoss().orElse(Double.NaN));
            JsonOutput.number(out, "control_accuracy", cell.control().accuracy());
            JsonOutput.number(out, "selectivity", cell.selectivity());
            out.writeStringProperty("verdict", verdict(tests, i));
            if (!erased.isEmpty()) {
                JsonOutput.number(out, "erased_accuracy", erased.get(i).after().accuracy());
                out.writeNumberProperty("erased_dimensions", erased.get(i).dimensions());
                ErasedStudy.LogitDifferences said = erased.get(i).behaviour();
                if (said != null) {
                    JsonOutput.number(out, "logit_difference", said.meanBefore());
                    JsonOutput.number(out, "erased_logit_difference", said.meanAfter());
                    JsonOutput.number(out, "right", ErasedStudy.LogitDifferences.right(said.before()));
                    JsonOutput.number(out, "erased_right", ErasedStudy.LogitDifferences.right(said.after()));
                }
            }
            if (tests != null) {
                int steps = study.prompts().axis().size();
                out.writeObjectPropertyStart("random_as_much");
                for (int edit = 0; edit < DirectionTests.edits().size(); edit++) {
                    JsonOutput.number(
                            out,
                            DirectionTests.edits().get(edit),
                            tests.asMuch()[tests.effects().cell(edit, i / steps, i % steps)]);
                }
                out.writeEndObject();
            }
            if (aligned != null) {
                out.writeObjectPropertyStart("interchange_interval");
                Interval trained = bounds(aligned, AlignmentStudy.SUBSPACES.indexOf("trained"), i);
                JsonOutput.number(out, "low", trained.low());
                JsonOutput.number(out, "high", trained.high());
                out.writeEndObject();
                out.writeObjectPropertyStart("interchange_accuracy");
                for (int kind = 0; kind < AlignmentStudy.SUBSPACES.size(); kind++) {
                    JsonOutput.number(
                            out,
                            AlignmentStudy.SUBSPACES.get(kind).replaceAll("[ -]", "_"),
                            accuracy(aligned, kind, i));
                }
                out.writeEndObject();
            }
            out.writeEndObject();
        }
        out.writeEndArray();
        out.writeObjectPropertyStart("tables");
        tables.forEach((name, table) -> {
            out.writeObjectPropertyStart(name);
            TableText.writeJson(table, out);
            out.writeEndObject();
        });
        out.writeEndObject();
    }
}
