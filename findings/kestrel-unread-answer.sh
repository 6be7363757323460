#!/usr/bin/env bash
# Kestrel (ASP.NET Core 10.0.12) by default ends a connection whose client takes less than 240 bytes a second of an answer, after 5 s of grace (MinResponseDataRate). The time it
# grants grows with every byte written, also those that the system's socket buffers swallowed at once: a client that reads nothing at all of a 40 MB answer is still
# connected after a minute, whether the answer is written whole (then all of it waits in the server's memory) or in awaited slices of 4 KiB. A deadline has to be one's own:
# the third answer, with a timer of 5 s that calls HttpContext.Abort, is cut off. Needs the .NET SDK and nothing from a registry; takes two minutes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>
X
cat > Program.cs <<'X'
using System.Net;
using System.Net.Sockets;
using System.Text;

var answer = new byte[40_000_000];
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
var app = builder.Build();
app.MapGet("/whole", async http => { http.Response.ContentLength = answer.Length; await http.Response.BodyWriter.WriteAsync(answer); });
app.MapGet("/slices", async http =>
{
    http.Response.ContentLength = answer.Length;
    for (var at = 0; at < answer.Length; at += 4096) await http.Response.BodyWriter.WriteAsync(answer.AsMemory(at, Math.Min(4096, answer.Length - at)), http.RequestAborted);
});
app.MapGet("/deadline", async http =>
{
    using var deadline = new Timer(_ => http.Abort(), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
    http.Response.ContentLength = answer.Length;
    for (var at = 0; at < answer.Length; at += 4096) await http.Response.BodyWriter.WriteAsync(answer.AsMemory(at, Math.Min(4096, answer.Length - at)), http.RequestAborted);
});
await app.StartAsync();
var port = new Uri(app.Urls.First()).Port;
Console.WriteLine($"runtime {Environment.Version}");
foreach (var path in new[] { "whole", "slices", "deadline" })
{
    using var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
    client.Connect(IPAddress.Loopback, port);
    client.Send(Encoding.ASCII.GetBytes($"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    var seconds = 0;
    for (; seconds < 60 && !IsGone(client); seconds++) await Task.Delay(1000);
    Console.WriteLine($"{path}: {(seconds < 60 ? "cut off" : "still open after a minute")}");
}
Environment.Exit(0);

static bool IsGone(Socket client)
{
    try { client.Send("\n"u8); return false; }
    catch (SocketException) { return true; }
}
X
dotnet build -c Release --nologo -v q -o out >/dev/null
dotnet out/probe.dll | tee seen
grep -qx 'whole: still open after a minute' seen
grep -qx 'slices: still open after a minute' seen
grep -qx 'deadline: cut off' seen
echo "as noted"
