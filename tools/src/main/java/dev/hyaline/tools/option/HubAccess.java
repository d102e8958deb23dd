package dev.hyaline.tools.option;

import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.hub.HubSettings;

/** Access to the hub as the environment configures it. */
public final class HubAccess {
    /** The system property that names the authentication schemes disabled when Java tunnels https through a proxy. */
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private HubAccess() {}

    /**
     * Reads the settings from the console's environment.
     *
     * <p>By default Java sends no user name and password to a proxy for https, since Basic authentication sends them
     * practically in clear text. A user who writes them into {@code https_proxy}, as for curl and Python, asks for
     * exactly that; then, and only then, Basic authentication is enabled. This must happen before the first connection,
     * because Java reads the property only once.
     */
    public static HubSettings settings(Console console) {
        HubSettings settings = HubSettings.of(console.environment());
        boolean user = settings.proxies()
                .https()
                .filter(proxy -> proxy.getRawUserInfo() != null)
                .isPresent();
        if (user && System.getProperty(DISABLED_SCHEMES) == null) {
            System.setProperty(DISABLED_SCHEMES, "");
        }
        return settings;
    }
}
