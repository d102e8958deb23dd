package dev.hyaline.tools.report;

import dev.hyaline.analysis.attention.HeadPattern;
import dev.hyaline.analysis.table.Figures;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;

/**
 * The patterns that heads keep to on prompts of every kind.
 *
 * @param prompts the kinds of prompts, in words
 */
public record PatternReport(List<HeadPattern> patterns, String prompts) {
    public PatternReport {
        patterns = List.copyOf(patterns);
    }

    /** Prints the heads of each pattern. */
    public void show(Console console) {
        Map<String, List<HeadPattern>> byType = patterns.stream()
                .collect(Collectors.groupingBy(HeadPattern::type, LinkedHashMap::new, Collectors.toList()));
        console.out().println();
        console.out().println("Patterns on " + prompts + ", by score, excess and lead:");
        Table table = new Table("pattern", "head", ">score", ">error", ">excess", ">lead");
        byType.forEach((type, heads) -> heads.stream()
                .filter(head -> !Double.isNaN(head.score()))
                .forEach(head -> table.row(
                        type,
                        head.layer() + "." + head.head(),
                        head.score(),
                        Figures.plusMinus(head.standardError()),
                        head.excess(),
                        head.margin())));
        if (patterns.stream().anyMatch(head -> !Double.isNaN(head.score()))) {
            table.print(console);
        }
        for (String type : List.of(HeadPattern.UNIFORM, HeadPattern.POSITIONAL, HeadPattern.MIXED)) {
            List<HeadPattern> heads = byType.getOrDefault(type, List.of());
            if (!heads.isEmpty()) {
                console.out()
                        .println(console.bold(type) + " "
                                + (type.equals(HeadPattern.MIXED)
                                        ? heads.size() + " of " + patterns.size() + " heads"
                                        : heads.stream()
                                                .map(head -> head.layer() + "." + head.head())
                                                .collect(Collectors.joining(" "))));
            }
        }
    }

    /** Writes one head's pattern. */
    public void write(JsonGenerator out, int layer, int head) {
        HeadPattern pattern = patterns.stream()
                .filter(of -> of.layer() == layer && of.head() == head)
                .findFirst()
                .orElseThrow();
        out.writeObjectPropertyStart("pattern");
        out.writeStringProperty("type", pattern.type());
        JsonOutput.number(out, "score", pattern.score());
        JsonOutput.number(out, "standard_error", pattern.standardError());
        JsonOutput.number(out, "excess", pattern.excess());
        JsonOutput.number(out, "margin", pattern.margin());
        out.writeEndObject();
    }
}
