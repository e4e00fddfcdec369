/*
 * Graphviz: a graph in, an image out, through a `dot` of its own.
 */
#include "cli/pprof_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_dot(const char *type, int ret_fd[2])
{
	int in[2], out[2];
	char option[32];
	snprintf(option, sizeof(option), "-T%s", type);
	if (pipe2(in, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execlp("dot", "dot", option, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	ret_fd[0] = in[1];
	ret_fd[1] = out[0];
	return pid;
}

/* Feeds and reads at once: either side may fill its pipe. */
static void exchange(int fd[2], const struct buf *graph, struct buf *out)
{
	size_t sent = 0;
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	for (bool open = true; open;) {
		struct pollfd wait[2] = {
			{.fd = fd[1], .events = POLLIN},
			{.fd = fd[0], .events = POLLOUT},
		};
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			break;
		if (fd[0] >= 0 && wait[1].revents) {
			ssize_t n = write(fd[0], graph->data + sent, graph->len - sent);
			sent += n > 0 ? (size_t)n : 0;
			if (sent == graph->len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
				close(fd[0]);
				fd[0] = -1;
			}
		}
		if (wait[0].revents) {
			buf_reserve(out, 65536);
			ssize_t n = read(fd[1], out->data + out->len, 65536);
			open = n > 0 || (n < 0 && errno == EINTR);
			out->len += n > 0 ? (size_t)n : 0;
		}
	}
	if (fd[0] >= 0)
		close(fd[0]);
	close(fd[1]);
}

int pprof_dot(const struct buf *graph, const char *type, struct buf *out, struct err *err)
{
	int fd[2], status = 0;
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	pid_t pid = start_dot(type, fd);
	if (pid > 0) {
		exchange(fd, graph, out);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	signal(SIGPIPE, old);
	if (pid < 0)
		return err_errno(err, "cannot start dot");
	if (status)
		return err_set(err, ERR_NOT_FOUND,
			"failed to execute dot. Is Graphviz installed? Error: %s %d",
			WIFEXITED(status) ? "exit status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return 0;
}
