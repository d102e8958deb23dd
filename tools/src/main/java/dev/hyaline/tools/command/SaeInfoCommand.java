package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
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
        Map<String, String> facts = facts(file);
        if (common.json) {
            JsonOutput.print(console, json -> facts.forEach(json::writeStringProperty));
            return;
        }
        Table table = new Table("what", "value");
        facts.forEach((key, value) -> table.row(key.replace('_', ' '), value));
        table.print(console);
    }

    private static Map<String, String> facts(SaeFile file) {
        SaeConfig config = file.autoencoder().config();
        SaeMetadata metadata = file.autoencoder().metadata();
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("format", file.format().toString());
        facts.put("activation", String.valueOf(config.activation()));
        facts.put("latents", String.valueOf(config.latents()));
        facts.put(
                "reads",
                config.dIn() + " values"
                        + metadata.hookName().map(hook -> " of " + hook).orElse(""));
        facts.put(
                "writes",
                config.dOut() + " values"
                        + metadata.hookNameOut().map(hook -> " of " + hook).orElse(""));
        metadata.head().ifPresent(head -> facts.put("head", String.valueOf(head)));
        facts.put("sites", String.valueOf(config.sites()));
        facts.put("kind", config.transcoder() ? "transcoder" : config.sites() > 1 ? "crosscoder" : "autoencoder");
        facts.put("skip", file.autoencoder().parameters().skip().length > 0 ? "yes" : "no");
        facts.put("subtracts_b_dec", config.subtractsDecoderBias() ? "yes" : "no");
        facts.put("normalization", String.valueOf(config.normalization()));
        metadata.modelName().ifPresent(model -> facts.put("model", model));
        metadata.contextSize().ifPresent(size -> facts.put("context", String.valueOf(size)));
        metadata.prependBos().ifPresent(begun -> facts.put("begins_texts", begun ? "yes" : "no"));
        metadata.centred().ifPresent(centred -> facts.put("centred_basis", centred ? "yes" : "no"));
        if (!metadata.excludedTokens().isEmpty()) {
            facts.put("leaves_out", metadata.excludedTokens().toString());
        }
        metadata.more().forEach(facts::putIfAbsent);
        return facts;
    }
}
