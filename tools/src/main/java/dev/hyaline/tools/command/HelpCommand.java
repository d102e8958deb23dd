package dev.hyaline.tools.command;

import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hyaline help}: the help of a command, or a guide. */
@Command(
        name = "help",
        helpCommand = true,
        header = "Shows the help of a command, or a guide.",
        description = {
            "",
            "Guides: start-here, from-transformerlens, sites, editing, sweeps, circuits, sparse-coding, statistics,"
                    + " investigations, scale, exactness. Their examples run in hyaline shell."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline help start-here", "  hyaline help sae train"})
public final class HelpCommand implements Runnable {
    private static final Map<String, String> GUIDES = new LinkedHashMap<>();

    static {
        GUIDES.put("start-here", "instrument/model");
        GUIDES.put("from-transformerlens", "instrument/model");
        GUIDES.put("sites", "engine/site");
        GUIDES.put("editing", "instrument/edit");
        GUIDES.put("sweeps", "analysis/causal");
        GUIDES.put("circuits", "analysis/circuit");
        GUIDES.put("sparse-coding", "analysis/sparse");
        GUIDES.put("statistics", "analysis/statistics");
        GUIDES.put("investigations", "analysis/laboratory");
        GUIDES.put("scale", "instrument/dump");
        GUIDES.put("exactness", "engine");
    }

    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Parameters(paramLabel = "TOPIC", arity = "0..*", description = "A command or a guide.")
    private @Nullable List<String> topic;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;

    public HelpCommand(Console console) {
        this.console = console;
    }

    /** The names of the guides, in the order in which they are read. */
    public static List<String> guides() {
        return List.copyOf(GUIDES.keySet());
    }

    @Override
    public void run() {
        CommandLine root = spec.root().commandLine();
        if (topic == null) {
            root.usage(console.help());
            console.out().println();
            console.lines("Guides, for hyaline help: " + String.join(", ", guides()));
            return;
        }
        String name = String.join(" ", topic);
        CommandLine command = command(root, topic);
        // A guide has the name of a command in one case: sites.
        if (GUIDES.containsKey(name)) {
            console.out().print(guide(name));
            if (command != null) {
                console.out().println();
                console.out().println("The options of the command: hyaline " + name + " --help");
            }
        } else if (command != null) {
            command.usage(console.help());
        } else {
            throw new ParameterException(
                    spec.commandLine(),
                    "there is no command and no guide '" + name + "'; the guides are " + String.join(", ", guides()));
        }
    }

    private static @Nullable CommandLine command(CommandLine root, List<String> names) {
        CommandLine command = root;
        for (String name : names) {
            command = command.getSubcommands().get(name);
            if (command == null) {
                return null;
            }
        }
        return command;
    }

    /** The Markdown of a guide. */
    public static String guide(String name) {
        String resource =
                "/dev/hyaline/" + Objects.requireNonNull(GUIDES.get(name), name) + "/doc-files/" + name + ".md";
        try (InputStream in = Objects.requireNonNull(HelpCommand.class.getResourceAsStream(resource), resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
