using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace QuorumMesh.ServiceDefaults;

/// <summary>Where a service listens: <c>http://host:port</c> (port 0 picks one) or <c>unix:/path</c>.</summary>
public sealed record ListenAddress
{
    /// <summary>The kernel's limit on a socket path (sun_path with its final zero).</summary>
    private const int MaxSocketPath = 107;

    private ListenAddress(string key, string? socketPath, IPEndPoint? endPoint, bool isHttps = false)
    {
        IsHttps = isHttps;
        Key = key;
        SocketPath = socketPath;
        EndPoint = endPoint;
    }

    /// <summary>The option's name, for errors.</summary>
    public string Key { get; }

    public string? SocketPath { get; }

    public IPEndPoint? EndPoint { get; }

    /// <summary>TLS is asked for.</summary>
    public bool IsHttps { get; }

    public bool IsLoopback => EndPoint is null || IPAddress.IsLoopback(EndPoint.Address);

    /// <param name="key">The option's name, for errors.</param>
    public static ListenAddress Parse(string key, string? value) => Parse(key, value, "http", "grpc");

    /// <summary>The same, and <c>https://host:port</c>: for a port whose own settings say whether TLS is spoken there.</summary>
    /// <param name="key">The option's name, for errors.</param>
    public static ListenAddress ParseWithTls(string key, string? value) => Parse(key, value, "http", "grpc", "https");

    /// <summary>
    /// Checks an address that is called, in the form of <see cref="ParseWithTls"/>. Its host is looked up at each connection, and may
    /// still be unknown at the start.
    /// </summary>
    /// <param name="key">The option's name, for errors.</param>
    /// <exception cref="OptionsException">It is no such address.</exception>
    public static void CheckCalled(string key, string? value)
    {
        var text = OptionRules.Required(key, value).Trim();
        if (IsSocket(text)) Socket(key, text[5..]);
        else Url(key, text, "http", "grpc", "https");
    }

    private static ListenAddress Parse(string key, string? value, params ReadOnlySpan<string> schemes)
    {
        var text = OptionRules.Required(key, value).Trim();
        if (IsSocket(text))
            return Socket(key, text[5..]);
        var url = Url(key, text, schemes);
        return new ListenAddress(key, null, new IPEndPoint(Resolve(key, url), url.Port), url.Scheme == "https");
    }

    private static bool IsSocket(string text) => text.StartsWith("unix:", StringComparison.OrdinalIgnoreCase);

    private static Uri Url(string key, string text, params ReadOnlySpan<string> schemes)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || !schemes.Contains(url.Scheme))
            throw new OptionsException(key, $"'{text}' is neither http://host:port nor unix:/path");
        return url.Port < 0 ? throw new OptionsException(key, $"'{text}' has no port") : url;
    }

    /// <summary>Adds the listener; a socket file that nobody answers on is taken away first.</summary>
    public void ListenOn(KestrelServerOptions kestrel, Action<ListenOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        if (SocketPath is null)
        {
            kestrel.Listen(EndPoint!, configure ?? (_ => { }));
            return;
        }

        ClearStaleSocket();
        kestrel.ListenUnixSocket(SocketPath, configure ?? (_ => { }));
    }

    public override string ToString() => SocketPath is null ? $"{(IsHttps ? "https" : "http")}://{EndPoint}" : $"unix:{SocketPath}";

    private static ListenAddress Socket(string key, string rest)
    {
        var path = rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest;
        if (path.Length == 0)
            throw new OptionsException(key, "has no socket path after 'unix:'");
        path = Path.GetFullPath(path);
        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaxSocketPath)
            throw new OptionsException(key, $"socket path '{path}' is longer than {MaxSocketPath} bytes; choose a shorter directory");
        return new ListenAddress(key, path, null);
    }

    private static IPAddress Resolve(string key, Uri url)
    {
        var host = url.DnsSafeHost;
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return IPAddress.Loopback;
        if (IPAddress.TryParse(host, out var address))
            return address;
        try
        {
            var found = Dns.GetHostAddresses(host);
            return found.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
        }
        catch (Exception e) when (e is SocketException or IndexOutOfRangeException)
        {
            throw new OptionsException(key, $"host '{host}' is not known on this machine", e);
        }
    }

    private void ClearStaleSocket()
    {
        if (!File.Exists(SocketPath))
            return;
        using (var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(SocketPath));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                if (new FileInfo(SocketPath).Length == 0)
                    File.Delete(SocketPath);
                return;
            }
            catch (SocketException e)
            {
                throw new OptionsException(Key, $"'{SocketPath}' exists and is no usable socket: {e.Message}", e);
            }
        }

        throw new OptionsException(Key, $"another process already listens on '{SocketPath}'; stop it or choose another path");
    }
}
