package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.Tone;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A claim of a report.
 *
 * @param node the claim
 * @param metric of the behaviour
 */
record ReportedClaim(ReportNode node, String metric) {
    String name() {
        return node.text("name", "");
    }

    String sentence() {
        return node.text("sentence", "");
    }

    boolean primary() {
        return node.flag("primary", true);
    }

    /** What was found on held-out prompts. */
    ReportNode found() {
        return node.get("held_out").orElse(node);
    }

    double estimate() {
        return found().number("estimate");
    }

    double bound() {
        return found().number("bound");
    }

    @Nullable
    Interval interval() {
        return found().interval("interval");
    }

    boolean isOfNoEffect() {
        return expect().equals("no_effect");
    }

    private String expect() {
        return node.text("expect", "").replace('-', '_');
    }

    /** The unit of the estimate; empty for a share. */
    String unit() {
        return switch (expect()) {
            case "decrease", "increase", "no_effect" ->
                metric.toLowerCase(Locale.ROOT).startsWith("logit") ? "logits" : metric;
            default -> "";
        };
    }

    /** The kind of evidence that the claim is; empty if it is none of the ladder's. */
    String rung() {
        if (isOfNoEffect()) {
            return "";
        }
        return switch (node.text("do", "")) {
            case "ablate" -> "necessity";
            case "keep-only" -> "sufficiency";
            case "patch", "force", "look", "steer" -> "activation";
            case "attend", "path" -> "mechanism";
            default -> node.text("rung", "");
        };
    }

    String outcome() {
        return node.text("verdict", "not tested");
    }

    Tone tone() {
        return ReportNode.toneOf(outcome());
    }

    /** The outcome, and the reason in brackets. */
    String verdict() {
        String reason = node.text("reason", "");
        return outcome() + (reason.isEmpty() ? "" : " (" + reason + ")");
    }

    /** The estimate, its interval and its unit. */
    String shown() {
        return (ShownNumber.of(estimate(), interval()) + " " + unit()).strip();
    }

    /** The claimed number and its unit. */
    String claimed() {
        return ((isOfNoEffect() ? "less than " : "at least ") + ShownNumber.of(bound()) + " " + unit()).strip();
    }
}
