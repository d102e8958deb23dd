package dev.hyaline.tools.option;

import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.hub.HubSettings;

/** The way to the hub that the environment names. */
public final class HubAccess {
    /** Schemes by which Java does not prove who a user is to a proxy that it tunnels https through. */
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private HubAccess() {}

    /**
     * Settings of the console's environment.
     *
     * <p>By default Java sends no user and password to a proxy for https, since it would send them as good as readable.
     * Whoever writes them into {@code https_proxy}, as for curl and Python, asks for just that; so then, and only then,
     * it is allowed. It must be before the first connection, for Java looks once.
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
