package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code hyaline sae info}: what an autoencoder is. */
@Command(
        name = "info",
        header = "Says what an autoencoder's files hold.",
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline sae info --sae hyaline-sae"})
public final class SaeInfoCommand implements Runnable {
    private final Console console;

    @Mixin
    private SaeSource source;

    @Mixin
    private CommonOptions common;

    SaeInfoCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        SaeFile file = source.read(console);
        Map<String, Object> facts = facts(file);
        if (common.json) {
            JsonOutput.print(
                    console,
                    json -> facts.forEach((key, value) -> {
                        switch (value) {
                            case Integer number -> json.writeNumberProperty(key, number);
                            case Boolean is -> json.writeBooleanProperty(key, is);
                            case Json fact -> fact.write(key, json);
                            default -> json.writeStringProperty(key, value.toString());
                        }
                    }));
            return;
        }
        Table table = new Table("what", "value");
        facts.forEach((key, value) -> table.row(key.replace('_', ' '), text(value)));
        table.print(console);
    }

    private static String text(Object value) {
        return switch (value) {
            case Boolean is -> is ? "yes" : "no";
            case Json fact when fact.isString() -> fact.string();
            default -> value.toString();
        };
    }

    /** Numbers, truth values, JSON of the files, and what is text. */
    private static Map<String, Object> facts(SaeFile file) {
        SaeConfig config = file.autoencoder().config();
        SaeMetadata metadata = file.autoencoder().metadata();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("format", file.format().toString());
        facts.put("activation", activation(config.activation()));
        facts.put("latents", config.latents());
        facts.put(
                "reads",
                config.dIn() + " values"
                        + metadata.hookName().map(hook -> " of " + hook).orElse(""));
        facts.put(
                "writes",
                config.dOut() + " values"
                        + metadata.hookNameOut().map(hook -> " of " + hook).orElse(""));
        metadata.head().ifPresent(head -> facts.put("head", head));
        facts.put("sites", config.sites());
        facts.put("kind", config.transcoder() ? "transcoder" : config.sites() > 1 ? "crosscoder" : "autoencoder");
        facts.put("skip", file.autoencoder().parameters().skip().length > 0);
        facts.put("subtracts_b_dec", config.subtractsDecoderBias());
        facts.put("normalization", normalization(config.normalization()));
        metadata.modelName().ifPresent(model -> facts.put("model", model));
        metadata.contextSize().ifPresent(size -> facts.put("context", size));
        metadata.prependBos().ifPresent(begun -> facts.put("begins_texts", begun));
        metadata.centred().ifPresent(centred -> facts.put("centred_basis", centred));
        metadata.processing()
                .filter(steps -> !steps.isEmpty())
                .ifPresent(steps -> facts.put("weights_processed_by", ProcessingStep.names(steps)));
        if (!metadata.excludedTokens().isEmpty()) {
            facts.put("leaves_out", json(metadata.excludedTokens().toString()));
        }
        metadata.more().forEach((key, value) -> facts.putIfAbsent(key, json(value)));
        return facts;
    }

    private static Json json(String text) {
        return Json.read(InputErrors.INSTANCE, "metadata", text.getBytes(StandardCharsets.UTF_8));
    }

    private static String activation(LatentActivation activation) {
        String competing = activation.isRescaled() ? ", by latent times decoder length" : "";
        return switch (activation) {
            case LatentActivation.Relu relu -> "relu";
            case LatentActivation.Gated gated -> "gated";
            case LatentActivation.TopK top -> "top-k, " + top.k() + " a token" + competing;
            case LatentActivation.BatchTopK top -> "batch top-k, " + top.k() + " a token on average" + competing;
            case LatentActivation.Threshold cut -> "threshold " + cut.threshold() + competing;
            case LatentActivation.JumpRelu jump -> "jumprelu";
            case LatentActivation.GroupMax groups -> "the largest of each of " + groups.groups() + " groups";
            case LatentActivation.MatchingPursuit pursuit ->
                "matching pursuit, at most " + pursuit.maxIterations() + " a token";
        };
    }

    private static String normalization(Normalization normalization) {
        return switch (normalization) {
            case Normalization.None none -> "none";
            case Normalization.ConstantNorm norm -> "each token to the root of the width";
            case Normalization.LayerNorm norm -> "layer norm";
            case Normalization.Factor factor -> "times " + factor.factor();
        };
    }
}
