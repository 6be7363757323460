using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace QuorumMesh.Enclave;

/// <summary>Lets only our own user, and those named, connect over a Unix socket: the kernel tells who the peer is.</summary>
internal static partial class PeerCredentials
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static void Require(ListenOptions listen, IReadOnlyList<uint> allowedUids)
    {
        var allowed = new HashSet<uint>(allowedUids) { GetEffectiveUid() };
        var log = listen.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.Enclave");
        listen.Use(next => connection =>
        {
            // SO_PEERCRED: the kernel's word on who connected, not the peer's.
            var uid = UidOf(connection);
            if (uid is { } known && allowed.Contains(known))
                return next(connection);
            log.LogWarning("Refused a connection of user {Uid}: only users {Allowed} may connect", uid, string.Join(", ", allowed.Order()));
            connection.Abort(new ConnectionAbortedException("this user may not connect"));
            return Task.CompletedTask;
        });
    }

    /// <summary>The file mode is the outer fence: ours alone, unless other users were named.</summary>
    public static void Protect(string socketPath, IReadOnlyList<uint> allowedUids)
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode Everyone = Owner | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead
            | UnixFileMode.OtherWrite;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(socketPath, allowedUids.Count == 0 ? Owner : Everyone);
    }

    private static uint? UidOf(ConnectionContext connection)
    {
        var socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is null)
            return null;
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == credentials.Length
            ? (BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..])
                : BinaryPrimitives.ReadUInt32BigEndian(credentials[4..]))
            : null;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUid();
}
